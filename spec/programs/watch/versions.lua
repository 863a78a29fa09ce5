--- Tasks that read a value, do something else, and then wait for a newer one.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local w, tasks, last = rt.watch(0), {}, 3000 * SCALE // 1
for i = 1, 6 do
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
    math.randomseed(SEED + i)
    local seen = -1
    repeat
      local version = w:version()
      local value = w:get()
      assert(value >= seen and value >= version - 1, "older than its version")
      seen = value
      if math.random(2) == 1 then
        rt.yield()
      end
      local new, why = w:changed(version)
      assert(new == nil or new > version - 1)
    until why == "closed"
    return seen
  end)
end
for i = 1, last do
  w:set(i)
  if math.random(16) == 1 then
    rt.yield()
  end
end
w:close()
for i = 1, 6 do
  assert(tasks[i]:join() == last, "the last value was missed")
end
print("right")
