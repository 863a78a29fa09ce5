--- Tasks count under timeouts, while others that lock the same mutex are cancelled.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local m, done, tasks = rt.mutex(0), rt.mutex(0), {}
local function inc(n)
  return n + 1, "did"
end
local function many(times, seed)
  math.randomseed(seed)
  local did = 0
  for i = 1, times do
    local got = rt.timeout(math.random() * 0.0004, m.with, m, inc)
    if got == "did" then
      did = did + 1
    end
    if math.random(4) == 1 then
      local guard <close> = m:lock()
      if math.random(2) == 1 then
        rt.sleep(math.random() * 0.001)
      end
    end
  end
  return did
end
for i = 1, 8 do
  tasks[i] = (i % 4 == 0 and rt.spawn_local or rt.spawn)(many, 300 * SCALE // 1, SEED + i)
end
-- and tasks that are cancelled, with the lock or without it
for i = 1, 300 * SCALE do
  local victim = (i % 2 == 0 and rt.spawn_local or rt.spawn)(function()
    while true do
      local guard = m:lock()
      rt.yield()
      guard:unlock()
    end
  end)
  rt.sleep(math.random() * 0.001)
  victim:cancel()
  if math.random(2) == 1 then
    pcall(victim.join, victim)
  end
end
local sum = 0
for i = 1, 8 do
  sum = sum + tasks[i]:join()
end
local guard <close> = m:lock()
print(sum == guard:get() and "right" or sum .. " ~= " .. guard:get())
