--- With RT_PREEMPT=0 tasks are switched only where they wait.
local rt = require("rt")
local spin = require("spin")

rt.configure { stall = false }
print(rt.timeout(0.02, function()
  spin.cpu_time(0.1)
  return "went through"
end))
rt.spawn(function()
  spin.cpu_time(0.1)
  order = "first"
end)
print(rt.spawn(function()
  return order
end):join())
