--- Eight tasks count in one mutex.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()

local m, tasks, each = rt.mutex(0), {}, 10000 * SCALE // 1
for i = 1, 8 do
  local spawn = i == 1 and rt.spawn_local or i == 2 and rt.spawn_blocking or rt.spawn
  tasks[i] = spawn(function()
    for _ = 1, each do
      m:update(function(n)
        return n + 1
      end)
    end
  end)
end
for i = 1, 8 do
  tasks[i]:join()
end
local n = m:lock():get()
print(n == 8 * each and "right" or n)
