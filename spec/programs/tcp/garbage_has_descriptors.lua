--- Forgets to close 200 streams that were accepted, 200 that have connected, and 200 listeners, with
--- few descriptors and while nothing else is collected. Prints how often it has worked.
local rt = require("rt")

collectgarbage("stop")
local listener = assert(rt.tcp.listen("127.0.0.1", 0, { backlog = 1000 }))
local _, port = listener:sock()
local served = 0
local acceptor = rt.spawn_local(function()
  for stream in listener:incoming() do
    stream:write("hi\n")
    served = served + 1
  end
end)
for _ = 1, 200 do
  local client = assert(rt.tcp.connect("127.0.0.1", port))
  assert(client:read("l") == "hi")
  client:close()
end
acceptor:cancel()
local connected, listening = 0, 0
for _ = 1, 200 do
  connected = connected + (rt.tcp.connect("127.0.0.1", port) and 1 or 0)
end
for _ = 1, 200 do
  listening = listening + (rt.tcp.listen("127.0.0.1", 0) and 1 or 0)
end
print(served, connected, listening)
