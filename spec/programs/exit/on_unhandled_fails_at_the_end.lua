--- The handler of unhandled errors raises an error at the end, for each of two tasks.
local rt = require("rt")

rt.on_unhandled(function(e)
  print(e)
  error("the handler fails")
end)
_G.a = rt.spawn_local(error, "first", 0)
_G.b = rt.spawn_local(error, "second", 0)
rt.yield()
