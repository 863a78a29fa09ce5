--- Prints why a task was cancelled, and by what, when the program ended.
local rt = require("rt")

rt.spawn_local(function()
  local _, err = pcall(rt.sleep, 60)
  print(err.reason, err.source)
end)
rt.yield()
