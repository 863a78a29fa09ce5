--- Joins a task that fails.
local rt = require("rt")

local function fail()
  error("boom")
end
local task = rt.spawn_local(function()
  fail()
end)
task.name = "worker"
task:join()
