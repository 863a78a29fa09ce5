-- Concurrent sleeps, as a way to sort numbers: each task sleeps and then prints its number. All
-- sleeps together take as long as the longest one.
-- Run: build/lua5.4/rt-lua examples/sleeps.lua
local rt = require("rt")

local started, total, tasks = rt.now(), 0, {}

for i, seconds in ipairs { 0.30, 0.10, 0.25, 0.05, 0.20, 0.15 } do
  total = total + seconds
  tasks[i] = rt.spawn_local(function()
    rt.sleep(seconds)
    print(("%.2f s"):format(seconds))
  end)
end

for _, task in ipairs(tasks) do
  task:join()
end

local took = rt.now() - started
assert(took < total, "they slept one after the other")
print(("%d tasks slept %.2f s in %.2f s"):format(#tasks, total, took))

-- expect: 0.05 s
-- expect: 0.10 s
-- expect: 0.15 s
-- expect: 0.20 s
-- expect: 0.25 s
-- expect: 0.30 s
-- expect~: 6 tasks slept 1%.05 s in [01]%.%d%d s
