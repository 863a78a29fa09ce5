--- Prints how often a task was switched that computes for 2 ms at a time, how often one that does not
--- give way, and for how many periods of 5 ms of CPU time the second has computed.
local rt = require("rt")

local function switched(f)
  local switches = require("rt.core").internal.switches
  local before, cpu = switches(), os.clock()
  f()
  return switches() - before, os.clock() - cpu
end

local function gives_way()
  local rt, spin = require("rt"), require("spin")
  for _ = 1, 60 do
    spin.cpu_time(0.002)
    rt.yield()
  end
end

local function does_not()
  require("spin").cpu_time(0.2)
end

local short = rt.spawn(switched, gives_way):join()
local long, cpu = rt.spawn(switched, does_not):join()
print(short, long, ("%.1f"):format(cpu / 0.005 + 1))
