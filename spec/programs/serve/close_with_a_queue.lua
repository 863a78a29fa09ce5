--- Clients connect while the only worker is blocked (it opens arg[1], a pipe), and the server is closed
--- before it goes on.
local rt = require("rt")

rt.configure { stall = false }
local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  stream:write("answered\n")
end))
local _, port = server:address()
assert(rt.tcp.connect("127.0.0.1", port)):read("l") -- the acceptor waits for the next one

local begun = rt.channel(1)
local blocked = rt.spawn(function(path)
  begun:send(true)
  io.open(path, "r"):close()
end, arg[1])
begun:recv()
local clients = {}
for i = 1, 3 do
  clients[i] = assert(rt.tcp.connect("127.0.0.1", port))
end
local closing = rt.spawn_local(server.close, server)
rt.yield()
io.open(arg[1], "w"):close()
closing:join()
for _, client in ipairs(clients) do
  print(client:read("l"))
end
blocked:join()
