--- The cleanup of a cancelled task waits and computes under a shield.
--   shielded_cleanup.lua SPAWN
local rt = require("rt")
local spin = require("spin")

local ch, begun = rt.channel(10), rt.channel(1)
local t = rt[arg[1]](function()
  local c <close> = setmetatable({}, {
    __close = function()
      rt.shield(function(x)
        rt.sleep(0.02)
        spin.cpu_time(0.05)
        ch:send("cleaned " .. x)
      end, "up")
    end,
  })
  begun:send(true)
  rt.sleep(10)
end)
begun:recv()
t:cancel()
print(pcall(t.join, t))
print(ch:recv())

local function same(...)
  return ...
end
print(rt.shield(same, 1, nil, 3))
print(rt.shield(0.5, same, 1, nil, 3))
print(pcall(rt.shield, 1), pcall(rt.shield, 1, 2), pcall(rt.shield))
