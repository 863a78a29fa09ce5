--- The main chunk requires a module that a task loads.
local rt = require("rt")

local task = rt.spawn_local(require, "waits")
rt.yield()
print(require("waits") == task:join(), loads)
