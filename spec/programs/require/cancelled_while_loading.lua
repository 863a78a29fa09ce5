--- A task is cancelled while it loads a module.
local rt = require("rt")

local task = rt.spawn_local(require, "waits")
rt.yield()
task:cancel()
pcall(task.join, task)
print(task:status(), package.loaded.waits, (require("waits")).name)
