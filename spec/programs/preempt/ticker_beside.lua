--- A ticker and a hog on the same worker: prints the longest gap but one between two ticks, in seconds of
--- CPU time (of which other processes may have some, too).
--   ticker_beside.lua HOG
local rt = require("rt")
local hog = require("hogs")[arg[1]]

rt.spawn(hog)
print(rt.spawn(function()
  local gaps, last = {}, os.clock()
  for i = 1, 60 do
    rt.sleep(0.01)
    local now = os.clock()
    gaps[i], last = now - last, now
  end
  table.sort(gaps)
  return gaps[59]
end):join())
