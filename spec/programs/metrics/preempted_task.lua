--- A task that computes without an end is switched while another one sleeps five times.
local rt = require("rt")
local settled = require("settled")

local hog = rt.spawn(function()
  while true do
  end
end)
local ticker = rt.spawn(function()
  for _ = 1, 5 do
    rt.sleep(0.02)
  end
end)
ticker:join()
assert(rt.metrics().preempted > 0)
hog:cancel()
pcall(hog.join, hog)
settled()
