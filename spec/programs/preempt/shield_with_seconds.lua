--- A shield of 0.1 s: the cancel is raised after that, while the task waits and while it computes.
local rt = require("rt")
local spin = require("spin")

local function wait()
  rt.sleep(10)
end

for _, f in ipairs { wait, spin.forever } do
  for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
    local begun = rt.channel(1)
    local t = spawn(function()
      begun:send(true)
      pcall(rt.sleep, 10)
      rt.shield(0.1, f)
    end)
    begun:recv()
    local began = rt.now()
    t:cancel("now")
    print(pcall(t.join, t))
    assert(rt.now() - began >= 0.1)
  end
end
