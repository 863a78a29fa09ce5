--- The program ends while tasks of the pool receive from others, whose end closes the channels.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
for _ = 1, 4 do
  local ch = rt.channel(4)
  rt.spawn(function()
    local c <close> = ch
    while true do
      c:send(1)
    end
  end)
  rt.spawn(function()
    while true do
      assert(ch:recv())
    end
  end)
  local idle = rt.channel(4)
  rt.spawn(function()
    local c <close> = idle
    rt.sleep(100)
  end)
  rt.spawn(function()
    while true do
      assert(idle:recv())
    end
  end)
end
rt.sleep(0.01)
