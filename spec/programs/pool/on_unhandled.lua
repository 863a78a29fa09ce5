--- The handler of unhandled errors is called for a task of the pool.
local rt = require("rt")

local seen
rt.on_unhandled(function(err, task, trace)
  seen = { err.code, task.name, trace }
end)
do
  local task = rt.spawn(function()
    error { code = 9 }
  end)
  task.name = "nobody's"
end
while not seen do
  rt.sleep(0.001)
  collectgarbage()
end
print(seen[1], seen[2], seen[3]:match("^stack traceback:"))
