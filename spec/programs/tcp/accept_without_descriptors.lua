--- A server accepts more clients than there are descriptors, and goes on when some are closed.
local rt = require("rt")
local slow = require("slow")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local server, clients, served = {}, {}, 0
rt.spawn_local(function()
  for s in listener:incoming() do
    served = served + 1
    server[#server + 1] = s
  end
end)
-- more clients than there are descriptors
local refused = 0
for i = 1, 30 do
  local s, message, code = rt.tcp.connect("127.0.0.1", port, { timeout = 1 * slow })
  if s then
    clients[#clients + 1] = s
  else
    refused = refused + 1
  end
  rt.yield()
end
print(refused > 0, served < #clients + refused)
-- descriptors are there again: the waiting connections are accepted, none is lost
local open = #clients
while served < open do
  for i = #server, 1, -1 do
    server[i]:close()
    server[i] = nil
  end
  rt.sleep(0.01)
end
print(served == open)
for _, s in ipairs(clients) do
  s:close()
end
for i = #server, 1, -1 do
  server[i]:close()
end
local s = assert(rt.tcp.connect("127.0.0.1", port))
while served <= open do
  rt.sleep(0.01)
end
print("goes on")
