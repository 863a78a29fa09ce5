--- Compares rt.metrics of the main worker, of a worker of the pool and of a blocking job.
local rt = require("rt")
local settled = require("settled")

for _ = 1, 10 do
  rt.spawn(function() end):join()
end
local here = settled()
local there = rt.spawn(rt.metrics):join()
assert(there.spawned == here.spawned + 1)
assert(there.main.spawned == here.main.spawned + 1)
assert(there.done == here.done)
there = rt.spawn_blocking(rt.metrics):join()
assert(there.spawned == here.spawned + 2 and #rt.metrics().blocking >= 1)
