--- Joins a task of the pool, and prints the result; then a local one.
local rt = require("rt")

rt.sleep(0)
print(pcall(rt.join, rt.spawn(math.max, 1)))
print(rt.spawn_local(function()
  return "still here"
end):join())
