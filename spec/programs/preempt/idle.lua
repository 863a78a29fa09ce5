--- Prints how much CPU time half a second takes in which all tasks wait.
local rt = require("rt")
local slow = require("slow")

local seconds = 0.6 * slow
rt.spawn(function()
  rt.timeout(10 * slow, rt.sleep, seconds)
end)
rt.spawn_local(function()
  rt.timeout(10 * slow, rt.sleep, seconds)
end)
rt.sleep(0.1 * slow)
local before = os.clock()
rt.sleep(0.5)
print(os.clock() - before)
