--- Another task runs while a module loads.
local rt = require("rt")

local task = rt.spawn_local(function()
  local m, where = require("waits")
  print(m.name, m.where, where)
end)
rt.spawn_local(function()
  print("other")
end)
task:join()
