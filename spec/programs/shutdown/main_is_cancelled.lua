--- A task calls rt.shutdown; the main chunk prints what its waits raise, and cleans up.
local rt = require("rt")

rt.spawn(rt.shutdown)
local ok, e = pcall(rt.sleep, 1000)
print(ok, e, getmetatable(e) == rt.Cancelled)
print(pcall(rt.yield))
rt.shield(function()
  rt.sleep(0.05)
  print("cleaned up")
end)
