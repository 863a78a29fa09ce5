--- Tasks select permits of two semaphores.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local a, b, tasks = rt.semaphore(1), rt.semaphore(2), {}
for i = 1, 6 do
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
    math.randomseed(SEED + i)
    for _ = 1, 500 * SCALE do
      local n = math.random(2)
      local which = rt.select(a:acquire_op(), b:acquire_op(n), rt.sleep_op(math.random() * 0.001))
      if math.random(2) == 1 then
        rt.yield()
      end
      if which == 1 then
        a:release()
      elseif which == 2 then
        b:release(n)
      end
    end
  end)
end
for i = 1, 6 do
  tasks[i]:join()
end
local said = tostring(a) .. tostring(b)
print(
  said == "rt.semaphore (1 available, 0 waiting)rt.semaphore (2 available, 0 waiting)" and "right"
    or said
)
