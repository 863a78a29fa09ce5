--- A task calls os.exit(3, true), and another one os.exit(4, true) when it is unwound for that.
local rt = require("rt")
rt.spawn_local(function()
  local g <close> = setmetatable({}, {
    __close = function()
      os.exit(4, true)
    end,
  })
  rt.sleep(100)
end)
rt.yield()
rt.spawn_local(os.exit, 3, true)
rt.sleep(100)
