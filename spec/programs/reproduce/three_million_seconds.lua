--- Sleeps for a million seconds, lets a task do that, and takes a thousand ticks of an interval of a thousand seconds.
--- Prints how many thousand seconds have passed.
local rt = require("rt")

local begun = rt.now()
rt.sleep(1000000)
rt.spawn(function()
  rt.sleep(1000000)
end):join()
local n = 0
for _ in rt.interval(1000) do
  n = n + 1
  if n == 1000 then
    break
  end
end
print(math.floor((rt.now() - begun) / 1000))
