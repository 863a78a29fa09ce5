--- A loop that swallows every error inside a comparator of table.sort, where no task can be suspended.
local rt = require("rt")
local spin = require("spin")

local function hog()
  while true do
    pcall(table.sort, { 3, 2, 1 }, spin.swallowing)
  end
end

local t = rt.spawn(hog)
rt.sleep(0.01)
t:cancel("why")
print((select(2, pcall(t.join, t))))
print(rt.timeout(0.05, hog))
t = rt.spawn_local(function()
  return rt.timeout(0.05, hog)
end)
print(t:join())
