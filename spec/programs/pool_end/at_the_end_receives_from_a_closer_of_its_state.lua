--- The program ends while a local task receives from another one, whose end closes the channel.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
local ch = rt.channel(4)
rt.spawn_local(function()
  local c <close> = ch
  while true do
    c:send(1)
    rt.yield()
  end
end)
rt.spawn_local(function()
  while true do
    assert(ch:recv())
  end
end)
rt.yield()
