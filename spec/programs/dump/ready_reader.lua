--- Prints "ready" when a task of the pool waits.
local rt = require("rt")
local task_list = require("task_list")

local ch = rt.channel(1)
rt.spawn(function()
  ch:recv()
end).name = "reader"
task_list.find(task_list.waiting("reader"))
print("ready")
io.stdout:flush()
rt.sleep(100)
