--- The main chunk reads what comes one byte at a time.
local rt = require("rt")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local a = assert(rt.tcp.connect(listener:sock()))
local b = assert(listener:accept())
local n = 50000
rt.spawn_local(function()
  for _ = 1, n do
    a:write("x")
    rt.yield()
  end
  a:close()
end)
print(#b:read("a") == n)
