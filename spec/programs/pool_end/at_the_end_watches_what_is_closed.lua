--- The program ends while tasks wait for a watch and a broadcast, which another task closes at its
--- end.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
for _ = 1, 4 do
  local w, b = rt.watch(1), rt.broadcast(16)
  local sub, watcher = b:subscribe(), w:subscribe()
  rt.spawn(function()
    local c <close> = w
    local d <close> = b
    rt.sleep(100)
  end)
  rt.spawn(function()
    while true do
      assert(watcher:recv())
    end
  end)
  rt.spawn(function()
    while true do
      assert(sub:recv())
    end
  end)
end
rt.sleep(0.01)
