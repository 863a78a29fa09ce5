--- The __tostring of an error makes a coroutine, which runs when that of the error has long been
--- called.
local rt = require("rt")

_G.later = nil
rt.spawn_local(function()
  error(setmetatable({}, {
    __tostring = function()
      _G.later = coroutine.create(function()
        for _ = 1, 100000 do
        end
        return "fine"
      end)
      return "the error"
    end,
  }))
end)
repeat
  rt.sleep(0.01)
  collectgarbage()
until _G.later
rt.sleep(1.1)
print(coroutine.resume(_G.later))
