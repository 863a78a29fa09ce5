--- Without timers of CPU time, and without stall reports: how often do all threads wake up in half a
--- second in which nothing runs, after something has computed?
local rt = require("rt")
local count_sleeps = require("thread_sleeps")

rt.configure { stall = false }
rt.timeout(0.1, function()
  while true do
  end
end)
rt.sleep(0.2)
local before = count_sleeps()
rt.sleep(0.5)
print(count_sleeps() - before)
