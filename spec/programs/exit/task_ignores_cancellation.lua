--- The main chunk ends while a task waits in a loop that ignores every error.
local guard = require("guard")
local rt = require("rt")

rt.spawn_local(function()
  local late <close> = setmetatable({}, {
    __close = function()
      print("a late wait", pcall(rt.sleep, 60))
    end,
  })
  local g <close> = guard("the stubborn")
  while true do
    pcall(rt.sleep, 1)
  end
end)
rt.spawn_local(function()
  local g <close> = guard("the other")
  rt.sleep(1000)
end)
rt.sleep(0.01)
print("end")
