--- Without timers of CPU time, and without stall reports: how often do all threads wake up in half a
--- second in which nothing runs, after something has computed?
local rt = require("rt")

local function count_sleeps()
  local sleeps = 0
  for task in io.popen("ls /proc/$PPID/task"):lines() do
    local f = io.open("/proc/self/task/" .. task .. "/status")
    sleeps = sleeps + (f and tonumber(f:read("a"):match("\nvoluntary_ctxt_switches:%s*(%d+)")) or 0)
    if f then
      f:close()
    end
  end
  return sleeps
end

rt.configure { stall = false }
rt.timeout(0.1, function()
  while true do
  end
end)
rt.sleep(0.2)
local before = count_sleeps()
rt.sleep(0.5)
print(count_sleeps() - before)
