--- The program ends while tasks read from a server of the same program.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
local s = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  for line in stream:lines() do
    stream:write(line, "\n")
  end
end))
local _, port = s:address()
for _ = 1, 8 do
  rt.spawn(function()
    local c = assert(rt.tcp.connect("127.0.0.1", port))
    while true do
      assert(c:write("x\n"))
      assert(c:read("l"))
      assert(c:write("x\n"))
      assert(c:recv())
    end
  end)
end
rt.sleep(0.03)
