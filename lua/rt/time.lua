--- rt.interval: ticks at regular intervals.
local core = require("rt.core")
local internal = core.internal
local getmetatable, setmetatable, type, huge = getmetatable, setmetatable, type, math.huge
local format = string.format

internal.spawns_for_callers()

local check, class_of = internal.check, internal.class_of
local now, sleep_until = core.now, internal.sleep_until
local critical = core.critical

local time = {}

--- When the tick after one that was due at `due` is due, by the option `missed`.
local next_due = {
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

--- Fields of an interval: `period` in seconds; `next`, a function of next_due; `due`, when the next
--- tick is due, as rt.now() counts; `tick`, the number of the last tick, 0 before the first.
local Interval = {}
Interval.__index = Interval
Interval.__name = "rt.interval"

--- Takes the tick that is due, and returns its number.
local function take(interval)
  interval.due = interval.next(interval.due, interval.period)
  interval.tick = interval.tick + 1
  return interval.tick
end

local function take_if_due(interval)
  return interval.due <= now() and take(interval)
end

--- Waits until the next tick is due, and returns its number: 1, 2, 3 … If several tasks wait for
--- the same tick, the first one takes it, and the others wait for the ticks after it.
function Interval:__call()
  local tick
  repeat
    sleep_until(self.due) -- a wait that is cancelled takes no tick
    tick = critical(take_if_due, self) -- no other task runs between the look and the tick
  until tick
  return tick
end

--- The operation for rt.select that waits for the next tick and takes it.
function Interval.tick_op(...)
  local self = ...
  check(getmetatable(self) == Interval, 1, "tick_op", "rt.interval", class_of, ...)
  return internal.tick_op(self, take)
end

function Interval:__tostring()
  return format("rt.interval (every %g s, %d ticks)", self.period, self.tick)
end

--- An interval whose first tick is due now, and further ticks every `period` seconds.
function time.interval(...)
  local period, options = ...
  check(type(period) == "number", 1, "interval", "number", class_of, ...)
  check(period > 0, 1, "interval", "a period above 0")
  check(period < huge, 1, "interval", "a finite period")
  check(options == nil or type(options) == "table", 2, "interval", "table", class_of, options)
  internal.check_options(options, "interval", "missed")
  local missed = options and options.missed or "burst"
  check(next_due[missed], "option", "missed", '"burst", "delay" or "skip"')
  return setmetatable({ period = period, next = next_due[missed], due = now(), tick = 0 }, Interval)
end

return internal.hide(time)
