--- Prints what the handler of unhandled errors gets.
local rt = require("rt")

rt.on_unhandled(function(...)
  local e, task, traceback = ...
  print(select("#", ...), e.code, task.name, task:status())
  print(traceback)
end)
local task = rt.spawn_local(function()
  error { code = 7 }
end)
task.name = "worker"
task = nil
rt.sleep(0.05)
