--- Serves with 6, 5, … 0 free descriptors; prints how many acceptors there are, or the error.
local rt = require("rt")

assert(rt.tcp.serve("127.0.0.1", 0, print)):close() -- all workers have their descriptors then
for free = 6, 0, -1 do
  local files = {}
  while true do
    local f = io.open("/dev/null")
    if not f then
      break
    end
    files[#files + 1] = f
  end
  for _ = 1, free do
    table.remove(files):close()
  end
  local server, _, code = rt.tcp.serve("127.0.0.1", 0, print)
  if server then
    server:close()
  end
  print(server and #server.acceptors or code)
  for _, f in ipairs(files) do
    f:close()
  end
end
