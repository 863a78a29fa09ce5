--- A C function that computes for 0.4 s of CPU time at least, in a task of the pool.
local rt = require("rt")
local spin = require("spin")

local function compute(seconds)
  local n, took = 2000
  repeat
    local began = os.clock()
    local _ = (("a"):rep(n)):find(".-b")
    took, n = os.clock() - began, n * 2
  until took > seconds
end

rt.spawn(function(compute)
  local function calculate()
    compute(0.4)
  end
  calculate()
  spin.cpu_time(0.1)
end, compute):join()
