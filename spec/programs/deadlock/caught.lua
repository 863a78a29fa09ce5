--- The main chunk catches the error of a deadlock, and goes on.
local rt = require("rt")

local ch = rt.channel(1)
local task = rt.spawn_local(function()
  return ch:recv()
end)
print(pcall(task.join, task))
ch:send("now") -- what it waits for comes after all
print(task:join())
