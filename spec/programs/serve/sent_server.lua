--- A server is shown, is closed by a task of the pool, and is shown again.
local rt = require("rt")

local server = rt.tcp.serve("127.0.0.1", 0, print)
print((tostring(server):gsub(":%d+", ":0")))
rt.spawn(function()
  server:close()
end):join()
server:join()
print(server)
