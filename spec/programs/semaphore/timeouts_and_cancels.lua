--- Tasks acquire and release under timeouts, while others that hold permits are cancelled.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local sem, tasks = rt.semaphore(3), {}
local held = rt.mutex(0)
local function many(times, seed)
  math.randomseed(seed)
  for i = 1, times do
    local n = math.random(3)
    local what = math.random(3)
    if what == 1 then
      if rt.timeout(math.random() * 0.0004, sem.acquire, sem, n) == true then
        rt.yield()
        sem:release(n)
      end
    elseif what == 2 then
      -- critical: after an error between the call and the assignment only the garbage collector
      -- would release the permit
      rt.timeout(math.random() * 0.001, rt.critical, function()
        local _ <close> = sem:permit(n)
        rt.sleep(math.random() * 0.0005)
      end)
    else
      rt.timeout(math.random() * 0.001, sem.with, sem, rt.yield)
    end
  end
end
for i = 1, 8 do
  tasks[i] = (i % 4 == 0 and rt.spawn_local or rt.spawn)(many, 300 * SCALE // 1, SEED + i)
end
for i = 1, 300 * SCALE do
  local victim = (i % 2 == 0 and rt.spawn_local or rt.spawn)(function()
    rt.critical(function()
      while true do
        local _ <close> = sem:permit(2)
        rt.yield()
      end
    end)
  end)
  rt.sleep(math.random() * 0.001)
  victim:cancel()
  pcall(victim.join, victim)
end
for i = 1, 8 do
  tasks[i]:join()
end
print(tostring(sem) == "rt.semaphore (3 available, 0 waiting)" and "right" or sem)
