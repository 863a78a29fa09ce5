--- Prints the CPU time that the process takes in a second, after its pool has had work.
local rt = require("rt")
local slow = require("slow")

local tasks = {}
for i = 1, 16 do
  tasks[i] = rt.spawn(function()
    rt.sleep(0.001)
  end)
end
for i = 1, 16 do
  tasks[i]:join()
end
local waiting = rt.spawn(function()
  rt.channel(0):recv()
end)

--- On a busy machine it takes some time until all workers sleep.
local t
for _ = 1, slow do
  t = os.clock()
  rt.sleep(0.1)
  if os.clock() - t < 0.001 then
    break
  end
end
t = os.clock()
rt.sleep(1)
print(os.clock() - t)
waiting:cancel()
