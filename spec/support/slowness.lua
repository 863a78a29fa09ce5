--- How many times slower this machine is at the moment than an idle one: a whole number from 1 to
-- 20. The measure is the wall time of a loop that takes 15 ms of CPU time: the median of
-- three such loops, so that one short pause changes nothing. It takes 45 ms on an idle machine. The
-- speed of the CPU does not matter, only how long a process waits for it.
local system = require("system") -- a module that busted needs, too

local LOOP_SECONDS = 0.015
--- With a larger factor a deadline would be too long to catch a hang.
local MOST = 20

local function wall_time_per_cpu_time()
  local wall, cpu = system.monotime(), os.clock()
  local used
  repeat
    for _ = 1, 1000 do
    end
    used = os.clock() - cpu
  until used >= LOOP_SECONDS
  return (system.monotime() - wall) / used
end

--- `share`: the part of the slowness that counts; 1 if it is left out.
return function(share)
  local ratios = {}
  for i = 1, 3 do
    ratios[i] = wall_time_per_cpu_time()
  end
  table.sort(ratios)
  return math.min(MOST, math.max(1, math.floor(ratios[2] * (share or 1) + 0.5)))
end
