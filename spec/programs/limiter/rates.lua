--- Many tasks take tokens: n of them take as long as the rate says. Too early is always wrong; too late
--- must not happen ten times.
local rt = require("rt")
local slow = require("slow")

local function seconds(rate, burst, tasks, each, n)
  local limiter = rt.limiter { rate = rate, burst = burst }
  limiter:acquire(burst)
  local began = rt.now()
  rt.each(tasks, function()
    each = each - 1
    return each >= 0 and limiter or nil
  end, function(it)
    for _ = 1, n do
      it:acquire()
    end
  end)
  return rt.now() - began
end

local function check(rate, burst, tasks, each, n)
  local expected = each * n / rate
  local took
  for _ = 1, 10 do
    took = seconds(rate, burst, tasks, each, n)
    assert(took >= expected - 1e-6, "too early")
    if took < expected * 1.05 + 0.01 * slow then
      return
    end
  end
  error(("%g instead of %g seconds"):format(took, expected))
end

check(100, 1, 3, 10, 2)
check(3000, 1, 4, 100, 6)
check(20000, 50, 40, 100, 40)
check(333.3, 7, 2, 10, 10)
print("right")
