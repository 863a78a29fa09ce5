--- A task that computes is cancelled: its <close> variables run, and may wait under a shield.
local rt = require("rt")
local spin = require("spin")

local ch, begun = rt.channel(10), rt.channel(1)

local function on_close(f)
  return setmetatable({}, {
    __close = function(_, err)
      f(tostring(err))
    end,
  })
end

local t = rt.spawn(function()
  local a <close> = on_close(function(err)
    ch:try_send("a " .. err)
  end)
  pcall(function()
    local b <close> = on_close(function(err)
      rt.shield(rt.sleep, 0.01)
      ch:try_send("b " .. err)
    end)
    begun:send(true)
    spin.forever()
  end)
  spin.forever()
end)
begun:recv()
rt.sleep(0.05)
t:cancel("why")
print(pcall(t.join, t))
print(ch:recv())
print(ch:recv())
