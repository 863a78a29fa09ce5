--- A server whose handlers run in a pool, and return without closing their stream, with few
--- descriptors. Prints how many clients were served.
--   tasks_leave_descriptors.lua spawn|spawn_blocking
local rt = require("rt")

local spawn = rt[arg[1]]
rt.configure { blocking = 2 }
spawn(function() end):join()
local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
rt.spawn_local(function()
  for stream in listener:incoming() do
    spawn(function(s)
      s:write("hi\n")
    end, stream)
  end
end)
local served = 0
for _ = 1, 150 do
  local client = assert(rt.tcp.connect("127.0.0.1", port))
  assert(client:read("l") == "hi")
  client:close()
  served = served + 1
end
print(served)
os.exit(true, true)
