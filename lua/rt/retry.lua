--- rt.retry: calls a function again if it has failed.
local core = require("rt.core")
local internal = core.internal
local type, select, xpcall = type, select, xpcall
local getmetatable, min, huge, format = getmetatable, math.min, math.huge, string.format
local pack, unpack = table.pack, table.unpack

internal.spawns_for_callers()

local check, class_of, chance = internal.check, internal.class_of, internal.chance
local sleep, traceback, Cancelled = core.sleep, core.traceback, core.Cancelled

local retry = {}

--- Seconds: the first pause if the options name none, and the longest one that doubling leads to.
local FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60

--- The message handler of a try.
local function with_trace(err)
  return { error = err, trace = traceback(err, 2) }
end

--- Seconds to wait after the nth try.
local function pause_after(options, n)
  local seconds = options.backoff
  if type(seconds) == "function" then
    seconds = seconds(n)
    local valid = type(seconds) == "number" and seconds == seconds
    check(valid, "option", "backoff", "a function that returns seconds", class_of, seconds)
  else
    seconds = min(seconds * 2.0 ^ (n - 1), LONGEST_PAUSE)
  end
  return seconds - seconds * options.jitter * chance()
end

--- Is there to be another try after the nth one, which failed with this error?
local function may_retry(options, n, err, ...)
  if n >= options.tries or getmetatable(err) == Cancelled then
    return false
  end
  return not options.when or options.when(err, n, ...)
end

--- Raises the error of the nth try, with its traceback, which says how many there were.
local function raise(n, err, trace)
  if trace and n > 1 then
    trace = format("%s\n(the last of %d tries)", trace, n)
  end
  internal.raise(err, trace)
end

--- The nth try has ended. Returns true and what rt.retry returns; or nothing: there is to be another.
local function ended(options, n, ok, ...)
  if ok then
    local err = select(2, ...)
    if (...) ~= nil or err == nil or not may_retry(options, n, err, select(3, ...)) then
      return true, ...
    end
    return
  end
  local failure = ...
  if type(failure) ~= "table" then -- there was no memory for the table
    failure = { error = failure }
  end
  if not may_retry(options, n, failure.error) then
    raise(n, failure.error, failure.trace)
  end
end

local try

local function try_again(options, n, f, args, over, ...)
  if over then
    return ...
  end
  sleep(pause_after(options, n))
  return try(options, n + 1, f, args)
end

--- The nth try, and those after it.
try = function(options, n, f, args)
  local results = pack(ended(options, n, xpcall(f, with_trace, unpack(args, 1, args.n))))
  return try_again(options, n, f, args, unpack(results, 1, results.n))
end

local function is_number(x, least, most)
  return type(x) == "number" and x >= least and x <= most
end

--- The options, checked, with all that may be left out.
local function complete(options)
  internal.check_options(options, "retry", "tries, backoff, jitter, when")
  local tries, backoff, jitter = options.tries, options.backoff, options.jitter
  tries = tries == nil and 3 or tries
  backoff = backoff == nil and FIRST_PAUSE or backoff
  jitter = (jitter == nil or jitter == true) and 1 or jitter or 0
  local counts = is_number(tries, 1, huge) and (tries == huge or tries % 1 == 0)
  check(counts, "option", "tries", "a number of tries from 1", class_of, tries)
  local pauses = is_number(backoff, 0, huge) or type(backoff) == "function"
  check(pauses, "option", "backoff", "seconds or function", class_of, backoff)
  check(
    is_number(jitter, 0, 1),
    "option",
    "jitter",
    "boolean or number from 0 to 1",
    class_of,
    jitter
  )
  local when = options.when
  check(when == nil or type(when) == "function", "option", "when", "function", class_of, when)
  return { tries = tries, backoff = backoff, jitter = jitter, when = when }
end

--- Calls f(...) until it does not fail, `tries` times at most, with a pause before each further try. f
--- fails if it raises, or returns nil and an error. The last error is raised or returned as it is.
function retry.retry(...)
  local options, f = ...
  check(type(options) == "table", 1, "retry", "table", class_of, ...)
  if type(f) ~= "function" then
    check(false, 2, "retry", "function", class_of, select(2, ...))
  end
  return try(complete(options), 1, f, pack(select(3, ...)))
end

return internal.hide(retry)
