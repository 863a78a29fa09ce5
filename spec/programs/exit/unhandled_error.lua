--- A task with a name fails, and is not joined.
local rt = require("rt")

local function fail()
  error("boom")
end

local task = rt.spawn_local(function()
  fail()
end)
task.name = "worker"
rt.sleep(0.01)
print("end")
