--- Five tasks meet at a barrier, round after round.
local rt = require("rt")
require("workers_prelude")()

local b, tasks, rounds = rt.barrier(5), {}, 100
local here = rt.mutex(0)
for i = 1, 5 do
  tasks[i] = (i == 5 and rt.spawn_local or rt.spawn)(function()
    local led = 0
    for round = 1, rounds do
      here:update(function(n)
        return n + 1
      end)
      if b:wait() then
        led = led + 1
      end
      here:with(function(n)
        assert(n == 5 * round, "somebody went too early")
      end)
      b:wait()
    end
    return led
  end)
end
local led = 0
for i = 1, 5 do
  led = led + tasks[i]:join()
end
print(led == rounds and "right" or led)
