--- A local task computes without an end, after rt.shutdown was called with 0.2 s: by itself, or, if arg[1] is
--- "spawn", by a task that it has spawned.
local guard = require("guard")
local rt = require("rt")

rt.spawn_local(function()
  if arg[1] == "spawn" then
    rt.spawn(rt.shutdown, 0.2)
  else
    rt.shutdown(0.2)
  end
  local g <close> = guard("local")
  while true do
  end
end)
rt.sleep(1000)
