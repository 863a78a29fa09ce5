--- Prints how long it took until a deadlock was reported.
local rt = require("rt")

local task = rt.spawn(function()
  rt.sleep(0.01)
  rt.channel():recv()
end)
rt.spawn(function() end):join()
local begun = rt.now() + 0.01
print(pcall(task.join, task))
print(("%.6f"):format(rt.now() - begun))
