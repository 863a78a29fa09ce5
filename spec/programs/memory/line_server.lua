--- A server on one worker that answers each line with the same; prints its port.
local rt = require("rt")
rt.configure { workers = 1 }
local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  for line in stream:lines() do
    stream:write(line, "\n")
  end
end))
print((select(2, server:address())))
io.stdout:flush()
server:join()
