--- A task is closed at the end, and an error is raised there.
local rt = require("rt")

rt.spawn_local(function()
  local g <close> = setmetatable({}, {
    __close = function()
      error("in cleanup")
    end,
  })
  rt.sleep(1000)
end)
rt.yield()
