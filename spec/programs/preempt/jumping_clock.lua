--- Prints how often a task was switched that computes for 0.2 s, which are 40 periods.
local rt = require("rt")

rt.configure { stall = false }

print(rt.spawn(function()
  local spin = require("spin")
  local switches = require("rt.core").internal.switches
  local before = switches()
  spin.cpu_time(0.2)
  return switches() - before
end):join())
