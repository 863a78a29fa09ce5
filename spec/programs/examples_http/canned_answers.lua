--- A server that answers each request with the bytes of a file (arg[1]), and closes. Prints its port.
local rt = require("rt")

local answer = assert(io.open(arg[1])):read("a")
local listener = assert(rt.tcp.listen("127.0.0.1", 0))
print((select(2, listener:sock())))
io.stdout:flush()
for stream in listener:incoming() do
  repeat
    local line = stream:read("l")
  until not line or line == "\r"
  stream:write(answer)
  stream:close()
end
