--- Subscribers that receive with timeouts.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()

local n = 2000 * SCALE // 1
local b, tasks, ready = rt.broadcast(n), {}, rt.semaphore(0)
for i = 1, 6 do
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
    local s, last = b:subscribe(), 0
    ready:release()
    while true do
      local v, why = rt.timeout(0.0003, s.recv, s)
      if v then
        assert(v == last + 1, "lost or doubled")
        last = v
      elseif why ~= "timeout" then
        assert(why == "closed", why)
        return last
      end
    end
  end)
end
ready:acquire(6)
for i = 1, n do
  b:send(i)
  if i % 16 == 0 then
    rt.yield()
  end
end
b:close()
for i = 1, 6 do
  assert(tasks[i]:join() == n)
end
print("right")
