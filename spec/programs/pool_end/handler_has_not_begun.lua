--- The main chunk ends after an error that no task joined has been found, and before the handler
--- has begun.
local rt = require("rt")

rt.on_unhandled(function(e)
  print("heard", e)
end)
rt.spawn_local(error, "boom", 0)
rt.yield()
collectgarbage()
rt.yield()
