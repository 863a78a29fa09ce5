--- Tasks fail, and all of them are joined.
local rt = require("rt")

local task = rt.spawn_local(error, "boom", 0)
local other = rt.spawn_local(function()
  return pcall(task.join, task)
end)
print(other:join())
pcall(rt.join, function()
  error("one")
end, function()
  error("two")
end)
pcall(rt.run, error, {})
