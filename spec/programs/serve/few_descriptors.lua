--- Serves with 6, 5, … 0 free descriptors; prints how many acceptors there are, or the error.
local descriptors = require("descriptors")
local rt = require("rt")

assert(rt.tcp.serve("127.0.0.1", 0, print)):close() -- all workers have their descriptors then
for free = 6, 0, -1 do
  local files = descriptors.use_up(free)
  local server, _, code = rt.tcp.serve("127.0.0.1", 0, print)
  if server then
    server:close()
  end
  print(server and #server.acceptors or code)
  descriptors.free(files)
end
