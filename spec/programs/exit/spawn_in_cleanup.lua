--- At the end a task is closed, and tries to spawn another one.
local rt = require("rt")

rt.spawn_local(function()
  local g <close> = setmetatable({}, {
    __close = function()
      print(pcall(rt.spawn_local, print))
    end,
  })
  rt.sleep(1000)
end)
rt.yield()
