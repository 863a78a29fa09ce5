--- Subscribers that are slower than the sender.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()

local n = 20000 * SCALE // 1
local b, tasks, ready = rt.broadcast(7), {}, rt.semaphore(0)
for i = 1, 4 do
  tasks[i] = rt.spawn(function()
    local s, last = b:subscribe(), 0
    ready:release()
    while true do
      local v, why, lost = s:recv()
      if v then
        assert(v == last + 1, "lost without a word")
        last = v
      elseif why == "lagged" then
        last = last + lost
      else
        return last
      end
    end
  end)
end
ready:acquire(4)
for i = 1, n do
  b:send(i)
end
b:close()
for i = 1, 4 do
  assert(tasks[i]:join() == n)
end
print("right")
