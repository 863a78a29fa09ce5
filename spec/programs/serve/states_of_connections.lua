--- The exit code is the number of states in which connections were served.
local rt = require("rt")

rt.configure { workers = 4 }
local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
  local t = os.clock()
  while os.clock() - t < 0.002 do
  end
  stream:write(tostring(_G))
end)
local _, port = server:address()
local states, n, clients = {}, 0, {}
for i = 1, 200 do
  clients[i] = rt.spawn_local(function()
    local state = assert(rt.tcp.connect("127.0.0.1", port)):read("a")
    if not states[state] then
      states[state] = true
      n = n + 1
    end
  end)
end
for i = 1, 200 do
  clients[i]:join()
end
server:close()
os.exit(n)
