--- A task with two variables to close sleeps when the main chunk ends.
local rt = require("rt")

local function tell(text)
  return setmetatable({}, {
    __close = function(_, e)
      print(text, e)
    end,
  })
end

rt.spawn_local(function()
  local outer <close> = tell("outer")
  local inner <close> = tell("inner")
  rt.sleep(1000)
end)
rt.yield()
print("end")
