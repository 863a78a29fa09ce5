--- The tasks of a state are switched, too, after rt.configure has set that.
local rt = require("rt")
local forever = require("spin").forever

rt.configure { preempt = true }
local turns = 0
local busy = rt.spawn_local(forever)
rt.spawn_local(function()
  repeat
    turns = turns + 1
    rt.yield()
  until turns > 3
  busy:cancel()
end)
pcall(busy.join, busy)
print(turns > 3)
