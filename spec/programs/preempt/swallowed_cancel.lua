--- A task that swallows its cancel and computes is closed after a second; other tasks run
--- meanwhile.
--   swallowed_cancel.lua SPAWN
local rt = require("rt")
local spin = require("spin")

rt.spawn(function()
  local n = 0
  while true do
    rt.sleep(0.01)
    n = n + 1
  end
end)
local begun = rt.channel(1)
local t = rt[arg[1]](function()
  local c <close> = setmetatable({}, {
    __close = function()
      print("closed")
    end,
  })
  begun:send(true)
  pcall(rt.sleep, 0.05)
  spin.swallowing()
end)
begun:recv()
t:cancel("why")
local began = rt.now()
print((select(2, pcall(t.join, t))))
local took = rt.now() - began
print(took > 0.9, t:status())
print(rt.spawn_local(function()
  rt.sleep(0.01)
  return "others go on"
end):join())
print(rt.spawn(function()
  return "there, too"
end):join())
