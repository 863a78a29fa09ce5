--- Without timers of CPU time, and without stall reports: how often do all threads wake up in half a
--- second in which nothing runs, after something has computed? The most of three measurements, each
--- after 1 ms of computing: less than what a signal is sent for (2.5 ms), more than nothing.
local rt = require("rt")
local count_sleeps = require("thread_sleeps")

rt.configure { stall = false }
rt.timeout(0.1, function()
  while true do
  end
end)
local most = 0
for _ = 1, 3 do
  local ends = os.clock() + 0.001
  repeat
  until os.clock() >= ends
  rt.sleep(0.2)
  local before = count_sleeps()
  rt.sleep(0.5)
  most = math.max(most, count_sleeps() - before)
end
print(most)
