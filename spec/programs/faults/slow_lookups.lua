--- Twelve lookups, of which eight have all the threads there are; prints for how long they were waited for.
local rt = require("rt")

local from = rt.now()
local tasks = {}
for i = 1, 12 do
  tasks[i] = rt.spawn_local(rt.tcp.connect, "slow.fault", 1, { timeout = 0.6 })
end
for i = 1, 12 do
  tasks[i]:join()
end
print(rt.now() - from)
