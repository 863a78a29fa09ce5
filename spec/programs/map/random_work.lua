--- Maps with random numbers of tasks and items, which wait, compute, fail or are timed out at random:
--- the results are right, and afterwards no task runs.
local rt = require("rt")
local settled = require("settled")
local _, SCALE = require("workers_prelude")()

rt.on_unhandled(function(err) -- an item that fails while the map is timed out
  assert(err == "the number of the beast", err)
end)

local live = rt.dict()

local function work(n)
  local _ <close> = setmetatable({}, {
    __close = function()
      live:incr("n", -1)
    end,
  })
  live:incr("n")
  if n == 666 then
    error("the number of the beast", 0)
  elseif n % 7 == 0 then
    rt.sleep(n % 5 / 10000)
  elseif n % 7 == 1 then
    for i = 1, n * 50 do
      n = n + i - i
    end
  end
  return -n
end

local function source(count, bad)
  local list = {}
  for i = 1, count do
    list[i] = i == bad and 666 or i % 600
  end
  if math.random(2) == 1 then
    return list, list
  end
  local i = 0
  return function()
    i = i + 1
    if math.random(20) == 1 then
      rt.sleep(0.0001)
    end
    return list[i]
  end,
    list
end

for _ = 1, 60 * SCALE do
  local count = math.random(0, 300)
  local bad = math.random(3) == 1 and math.random(1, 300)
  local items, list = source(count, bad)
  local fails = bad and bad <= count
  local ok, results, why
  if math.random(3) == 1 then
    ok, results, why = pcall(rt.timeout, math.random() / 100, rt.map, math.random(8), items, work)
  else
    ok, results = pcall(rt.map, math.random(8), items, work)
  end
  if ok and not why then
    assert(not fails and results.n == count)
    for i, n in ipairs(list) do
      assert(results[i] == -n)
    end
  else
    assert(why == "timeout" or (fails and results == "the number of the beast"), tostring(results))
  end
  assert((live:get("n") or 0) == 0, "an item was left behind")
end
settled()
print("right")
