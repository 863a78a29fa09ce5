--- A hundred clients of a server. arg[1]: how connections are spread.
local rt = require("rt")

local seen = 0
local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  seen = seen + 1
  for line in stream:lines() do
    stream:write(seen, " ", line:upper(), "\n")
  end
end, { balance = ... }))
local host, port, family = server:address()
local clients = {}
for i = 1, 100 do
  clients[i] = rt.spawn_local(function()
    local c = assert(rt.tcp.connect(host, port))
    for round = 1, 3 do
      c:write("hello ", i, " ", round, "\n")
      local answer = c:read("l")
      assert(answer == "1 HELLO " .. i .. " " .. round, answer)
    end
    c:close()
  end)
end
for i = 1, 100 do
  clients[i]:join()
end
server:close()
server:join()
print(host, family, seen, (select(3, rt.tcp.connect(host, port))))
