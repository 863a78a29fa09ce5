--- Serves twice on one port, then again after the first has been closed. (As soon as the port is free,
--- another program may get it: then all is tried with another port.)
local rt = require("rt")

local third, message
for _ = 1, 5 do
  local server = assert(rt.tcp.serve("127.0.0.1", 0, print))
  local _, port = server:address()
  assert(select(3, rt.tcp.serve("127.0.0.1", port, print)) == "EADDRINUSE")
  server:close()
  third, message = rt.tcp.serve("127.0.0.1", port, print)
  if third then
    break
  end
end
assert(third, message):close()
print("served again")
