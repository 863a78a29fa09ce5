--- The program ends while tasks connect to a server of the same program.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
local s = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  stream:read("l")
end))
local _, port = s:address()
for _ = 1, 3 do
  rt.spawn(function()
    while true do
      local c = rt.tcp.connect("127.0.0.1", port)
      if c then
        c:write("x\n")
        c:close()
      end
    end
  end)
end
rt.sleep(0.02 + math.random() * 0.01)
