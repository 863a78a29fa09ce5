--- Of 300 tasks that wait, 100 are notified and others cancelled.
local rt = require("rt")
require("workers_prelude")()

local n, tasks = rt.notify(), {}
for i = 1, 300 do
  tasks[i] = (i % 2 == 0 and rt.spawn or rt.spawn_local)(function()
    n:wait()
  end)
end
while tostring(n) ~= "rt.notify (300 waiting)" do
  rt.sleep(0.001)
end
for i = 1, 300 do
  if math.random(3) == 1 then
    tasks[i]:cancel()
  end
  if i % 3 == 0 then
    n:notify_one()
  end
  if i % 10 == 0 then
    rt.yield()
  end
end
-- a hundred tasks were notified; it is not known which
local woken = 0
for i = 1, 300 do
  tasks[i]:cancel()
end
for i = 1, 300 do
  pcall(tasks[i].join, tasks[i])
  if tasks[i]:status() == "done" then
    woken = woken + 1
  end
end
print(woken == 100 and tostring(n) == "rt.notify (0 waiting)" and "right" or woken)
