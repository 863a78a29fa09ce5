--- Main waits in a shield for tasks that compute in turns, and so has not ended when a signal comes.
local rt = require("rt")
local spin = require("spin")

local function compute()
  local till = rt.now() + 0.3
  repeat
    spin.cpu_time(0.002)
    rt.yield()
  until rt.now() > till
  return "finished"
end

rt.shield(function()
  print("ready")
  io.stdout:flush()
  local tasks = { rt.spawn_local(compute), rt.spawn_local(compute) }
  for _, task in ipairs(tasks) do
    print(pcall(task.join, task))
  end
end)
print(pcall(rt.sleep, 60))
