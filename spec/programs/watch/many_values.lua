--- Watchers, each with timeouts, of a value that changes many times.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()

local w, tasks, last = rt.watch(0), {}, 3000 * SCALE // 1
for i = 1, 6 do
  local watcher = w:subscribe()
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
    local seen, times = 0, 0
    while seen < last do
      local v = rt.timeout(0.0005, watcher.recv, watcher)
      if v then
        assert(v > seen)
        seen, times = v, times + 1
      end
    end
    return times
  end)
end
for i = 1, last do
  w:set(i)
  if i % 16 == 0 then
    rt.yield()
  end
end
for i = 1, 6 do
  assert(tasks[i]:join() >= 1)
end
print("right")
