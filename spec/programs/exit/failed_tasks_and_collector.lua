--- Two tasks fail: the handle of one is kept, that of the other is gone. Once that error has been reported,
--- looking for such errors takes no more CPU time. arg[1]: the mode of the collector.
local rt = require("rt")
local wait = require("wait")

collectgarbage(arg[1])
local kept = rt.spawn_local(error, "kept")
local told
rt.on_unhandled(function(e)
  told = e
end)
rt.spawn_local(error, "dropped")
rt.sleep(0.2)
wait.until_true(function()
  return told
end, "the error of the task that was dropped")
local before = os.clock()
rt.sleep(0.5)
assert(os.clock() - before < 0.25, os.clock() - before)
assert(told == "dropped", told)
assert(not pcall(kept.join, kept))
