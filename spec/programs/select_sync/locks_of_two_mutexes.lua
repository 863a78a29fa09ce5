--- Tasks select locks of two mutexes.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local a, b, tasks = rt.mutex(0), rt.mutex(0), {}
for i = 1, 6 do
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
    math.randomseed(SEED + i)
    local got = 0
    for _ = 1, 500 * SCALE do
      local which, guard = rt.select(a:lock_op(), b:lock_op(), rt.sleep_op(math.random() * 0.0005))
      if which < 3 then
        local n = guard:get()
        if math.random(2) == 1 then
          rt.yield()
        end
        guard:set(n + 1)
        got = got + 1
        local other = (which == 1 and b or a):try_lock()
        if other then
          other:unlock()
        end
        if math.random(2) == 1 then
          guard:unlock()
        else
          (which == 1 and a or b):unlock()
        end
      end
    end
    return got
  end)
end
local sum = 0
for i = 1, 6 do
  sum = sum + tasks[i]:join()
end
local said = tostring(a) .. tostring(b)
local counted = a:lock():get() + b:lock():get()
print(
  counted == sum and said == "rt.mutex (unlocked)rt.mutex (unlocked)" and "right"
    or said .. counted .. " ~= " .. sum
)
