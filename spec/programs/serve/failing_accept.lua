--- Twenty clients, one after the other, while accept fails. Prints how many were answered, how many
--- acceptors are there, and what join returns. arg[1]: the balance.
local rt = require("rt")

local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  stream:write("hello\n")
end, { balance = ... }))
local joining = rt.spawn_local(pcall, server.join, server)
local _, port = server:address()
local answered = 0
for _ = 1, 20 do
  local client <close> = assert(rt.tcp.connect("127.0.0.1", port))
  answered = answered + (client:read("l") == "hello" and 1 or 0)
end
local there = 0
for _, task in ipairs(server.acceptors) do
  local status = task:status()
  there = there + ((status == "waiting" or status == "running") and 1 or 0)
end
server:close()
print(answered, there, joining:join())
