--- Serves twice on one port, then again after the first has been closed.
local rt = require("rt")

local server = assert(rt.tcp.serve("127.0.0.1", 0, print))
local _, port = server:address()
print(select(3, rt.tcp.serve("127.0.0.1", port, print)))
server:close()
assert(rt.tcp.serve("127.0.0.1", port, print)):close()
