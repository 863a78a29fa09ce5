--- A server that no client talks to.
local rt = require("rt")

io.stdout:setvbuf("line")
rt.configure { workers = 2 }
rt.spawn_local(function()
  rt.sleep(0.3)
  print("ready")
end)
assert(rt.tcp.serve("127.0.0.1", 0, function() end))
rt.channel():recv()
