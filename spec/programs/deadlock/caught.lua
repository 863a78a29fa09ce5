--- The main chunk catches the error of a deadlock, and continues.
local rt = require("rt")

local ch = rt.channel(1)
local task = rt.spawn_local(function()
  return ch:recv()
end)
print(pcall(task.join, task))
ch:send("now") -- sends what the task waits for
print(task:join())
