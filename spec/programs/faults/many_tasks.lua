--- Spawns tasks again and again, while the only worker of their pool is blocked and no thread can be had;
--- prints for how long. At the end that worker runs them all.
local rt = require("rt")

rt.configure { blocking = 2, stall = false }
local begun, go_on = rt.channel(1), rt.channel(1)
local first = rt.spawn_blocking(function()
  begun:send(true)
  go_on:recv()
end)
local early = rt.spawn_blocking(function() end) -- perhaps before that worker is made
begun:recv()

local start, tasks = rt.now(), {}
for i = 1, 40 do
  tasks[i] = rt.spawn_blocking(function() end)
  rt.sleep(0.01)
end
print(rt.now() - start)
go_on:send(true)
first:join()
early:join()
for _, task in ipairs(tasks) do
  task:join()
end
