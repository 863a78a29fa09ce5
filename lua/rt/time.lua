--- Ticks at regular intervals.
local core = require("rt.core")

core.spawns_for_callers()

local now, sleep_until = core.now, core.sleep_until

local time = {}

--- What becomes of the schedule when a tick at `due` was late: when the next one is.
local after = {
  burst = function(due, period)
    return due + period
  end,
  delay = function(_, period)
    return now() + period
  end,
  skip = function(due, period)
    local missed = (now() - due) // period
    return due + (missed + 1) * period
  end,
}

local Interval = {}
Interval.__index = Interval
Interval.__name = "rt.interval"

local function take(interval)
  interval.due = interval.next(interval.due, interval.period)
  interval.tick = interval.tick + 1
  return interval.tick
end

--- The next tick: 1, 2, 3 … Waits until it is due.
function Interval:__call()
  sleep_until(self.due) -- if this is cancelled, the tick is still to come
  return take(self)
end

--- The next tick, for `rt.select`.
function Interval:tick_op()
  if getmetatable(self) ~= Interval then
    error("bad argument #1 to 'tick_op' (rt.interval expected, got " .. type(self) .. ")", 2)
  end
  return core.tick_op(self, take)
end

function Interval:__tostring()
  return ("rt.interval (every %g s, %d ticks)"):format(self.period, self.tick)
end

--- Ticks at once, and then every `period` seconds.
function time.interval(period, options)
  if type(period) ~= "number" then
    error("bad argument #1 to 'interval' (number expected, got " .. type(period) .. ")", 2)
  end
  if not (period > 0 and period < math.huge) then
    error("bad argument #1 to 'interval' (a period above 0 expected)", 2)
  end
  if options ~= nil and type(options) ~= "table" then
    error("bad argument #2 to 'interval' (table expected, got " .. type(options) .. ")", 2)
  end
  core.check_options(options, "interval", "missed")
  local missed = options and options.missed or "burst"
  if not after[missed] then
    error('option \'missed\': "burst", "delay" or "skip" expected', 2)
  end
  return setmetatable({ period = period, next = after[missed], due = now(), tick = 0 }, Interval)
end

return time
