--- rt.metrics before and after one local task.
local rt = require("rt")

local before = rt.metrics()
assert(#before.workers == 0 and #before.blocking == 0 and before.spawned == 0)
local t = rt.spawn_local(function()
  rt.sleep(0.01)
end)
t:join()
local m = rt.metrics()
assert(m.spawned == 1 and m.started == 1 and m.done == 1 and m.timers == 1, m.timers)
assert(m.resumes >= 1 and m.parks + m.polls >= 1 and m.main.done == 1)
