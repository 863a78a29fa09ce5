--- The program ends while the handler of unhandled errors waits. arg[1] is "cancelled": the handler lets the
--- cancellation through; "closed": it ignores it.
local rt = require("rt")

local called
rt.on_unhandled(function()
  called = true
  if arg[1] == "cancelled" then
    rt.sleep(60)
  else
    while true do
      pcall(rt.sleep, 60)
    end
  end
end)
rt.spawn_local(error, "boom", 0)
repeat
  rt.sleep(0.01)
until called
