--- Timeouts in a loop whose <close> variables compute in their __close: how many of them ended one of
--- these in the middle? Arguments: what the __close is like, how many timeouts, and what calls it.
local rt = require("rt")
local shape, count, by = arg[1], tonumber(arg[2]), arg[3] or "the end of its scope"

local BEGUN, ENDED = "begun", "ended"
local state
local calls = 0

local function work(rounds)
  state = BEGUN
  calls = calls + 1
  local n = 0
  for _ = 1, rounds do
    n = n + 1
  end
  state = ENDED
end

local function short()
  work(20)
end

local shapes = {
  short = short,
  --- All of the time is spent in it: none of the signals comes anywhere else.
  long = function()
    work(300000)
  end,
  tail = function()
    return work(2000)
  end,
  ["tail to ..."] = function(...)
    local function f(...)
      work(2000)
      return ...
    end
    return f(1, ...)
  end,
  nested = function()
    for _ = 1, 10 do
      local _ <close> = setmetatable({}, { __close = short })
      state = BEGUN
    end
    work(20)
  end,
  failing = function()
    work(200)
    error("expected: of a __close")
  end,
  parameters = function(object, err)
    if object then
      object, err = work(2000)
    end
    return object, err
  end,
  ["..."] = function(object, ...)
    work(2000)
    return object, ...
  end,
  ["a table"] = setmetatable({}, {
    __call = function()
      work(2000)
    end,
  }),
  deep = function()
    local function f(n)
      if n > 0 then
        f(n - 1)
      end
      return n
    end
    state = BEGUN
    f(150)
    work(20)
  end,
  --- Nearly all of the time is spent in other coroutines.
  generators = function()
    state = BEGUN
    local add = coroutine.wrap(function(n)
      coroutine.wrap(function()
        while true do
          for _ = 1, 100 do
            n = n + 1
          end
          coroutine.yield(n)
        end
      end)()
    end)
    add(0)
    work(20)
  end,
}

local metatable = { __close = shapes[shape] }

local function scope()
  local _ <close> = setmetatable({}, metatable)
end

local function fail()
  local _ <close> = setmetatable({}, metatable)
  error("expected: of the round", 0)
end

local function wait()
  local _ <close> = setmetatable({}, metatable)
  coroutine.yield()
end

local function raised(ok, ...)
  if not ok then
    error(..., 0)
  end
end

local rounds = {
  ["the end of its scope"] = scope,
  ["the end of its scope, at the end of a coroutine"] = function()
    coroutine.wrap(scope)()
  end,
  pcall = function()
    raised(pcall(fail))
  end,
  xpcall = function()
    raised(xpcall(fail, function(err)
      return err
    end))
  end,
  ["pcall in a coroutine"] = function()
    coroutine.wrap(function()
      raised(pcall(fail))
    end)()
  end,
  ["rt.timeout"] = function()
    rt.timeout(60, fail)
  end,
  ["rt.within"] = function()
    rt.within(60, fail)
  end,
  ["coroutine.close"] = function()
    local co = coroutine.create(wait)
    raised(coroutine.resume(co))
    raised(coroutine.close(co))
  end,
  ["coroutine.wrap"] = function()
    coroutine.wrap(fail)()
  end,
}
local round = rounds[by]

local function body()
  while true do
    local ok, err = pcall(round)
    if not ok and not tostring(err):find("expected: ") then
      error(err, 0)
    end
  end
end

local cut = 0
for _ = 1, count do
  state = ENDED
  rt.timeout(0, body)
  if state ~= ENDED then
    cut = cut + 1
  end
end
print(("%d timeouts, %d in the middle"):format(count, cut))
if shape == "long" and calls > 50 * count then -- (a period of the CPU timer is two or three calls)
  print(("%d calls: the timeouts came late"):format(calls))
end
