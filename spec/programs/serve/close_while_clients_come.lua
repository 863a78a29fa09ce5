--- Fifty clients connect again and again until the server is closed. arg[1]: the balance.
local rt = require("rt")

local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
  local line = stream:read("l")
  rt.sleep(0.002)
  stream:write(line, "\n")
end, { balance = ... })
local _, port = server:address()
local wrong, answered = 0, 0
local clients = {}
for i = 1, 50 do
  clients[i] = rt.spawn_local(function()
    while true do
      local c = rt.tcp.connect("127.0.0.1", port)
      if not c then
        return
      end
      if c:write("ping\n") then
        local answer, message, code = c:read("l")
        if answer == "ping" then
          answered = answered + 1
        elseif answer or (code and code ~= "ECONNRESET") then
          wrong = wrong + 1
        end
      end
      c:close()
    end
  end)
end
repeat
  rt.sleep(0.01)
until answered > 50
server:close()
for i = 1, 50 do
  clients[i]:join()
end
print(wrong, answered > 50)
