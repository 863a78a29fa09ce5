--- The handle of a task that has failed is kept to the end.
local rt = require("rt")

rt.on_unhandled(function(e)
  print(e)
end)
_G.task = rt.spawn_local(error, "boom", 0)
rt.yield()
print("main ends")
