--- A loop without an end, in a pool task, and its cleanup, which waits.
local rt = require("rt")
local spin = require("spin")

local function compute(cleaned)
  local _ <close> = setmetatable({}, {
    __close = function()
      rt.shield(function()
        rt.sleep(0.05)
        cleaned:send("cleaned up")
      end)
    end,
  })
  spin.forever()
end

print(rt.spawn(function()
  local cleaned = rt.channel(1)
  local in_time, why = rt.within(0.05, compute, cleaned)
  return ("%s %s\n%s"):format(in_time, why, cleaned:try_recv())
end):join())
