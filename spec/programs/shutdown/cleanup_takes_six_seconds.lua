--- A task calls rt.shutdown with 60 s, and cleans up for 6 s.
local rt = require("rt")

rt.spawn(function()
  local g <close> = setmetatable({}, {
    __close = function()
      rt.shield(function()
        rt.sleep(6)
        print("cleaned up")
      end)
    end,
  })
  rt.shutdown(60)
  rt.sleep(1000)
end)
rt.sleep(1000)
