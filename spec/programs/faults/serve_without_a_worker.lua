--- Serves, while a worker cannot be made; prints what serve returns, whether its port is free then,
--- and how many tasks there are.
local rt = require("rt")

local function free_port()
  local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
  return select(2, listener:sock())
end

local port = free_port()
local server, message, code = rt.tcp.serve("127.0.0.1", port, print)
if server then
  print(("a server with %d acceptors"):format(#server.acceptors))
  server:close()
else
  print("none", code, message)
end
local listener <close> = assert(rt.tcp.listen("127.0.0.1", port))
print("its port is free, tasks: " .. #rt.tasks())
