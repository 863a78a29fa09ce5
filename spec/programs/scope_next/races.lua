--- Tasks of the pool end at random moments, while tasks take them with scope:next, by themselves, in a
--- select, or in a timeout, and are cancelled: each task of the scope is given exactly once.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()

local function work(n)
  if n % 2 == 0 then
    rt.sleep(n / 20000)
  end
end

local function take(scope, how, given)
  local task
  if how == 1 then
    task = scope:next()
  elseif how == 2 then
    local index, got = rt.select(scope:next_op(), rt.sleep_op(math.random() / 1000))
    task = index == 1 and got
    if index == 2 then
      return true
    end
  else
    local why
    task, why = rt.timeout(math.random() / 1000, scope.next, scope)
    if why then
      return true
    end
  end
  if task then
    given[task.id] = (given[task.id] or 0) + 1
  end
  return task ~= nil
end

local function taker(scope, given)
  local how = math.random(3)
  while take(scope, how, given) do
    rt.yield()
  end
end

for _ = 1, 20 * SCALE do
  rt.scope(function(scope)
    local given, count, takers = {}, 0, {}
    local held = rt.channel()
    scope:spawn(held.recv, held) -- so that none is left only at the end
    for _ = 1, 30 do
      scope:spawn(work, math.random(0, 40))
      takers[#takers + 1] = rt.spawn_local(taker, scope, given)
      if math.random(3) == 1 then
        rt.yield()
        takers[math.random(#takers)]:cancel()
      end
    end
    held:send(true)
    taker(scope, given)
    for _, it in ipairs(takers) do
      pcall(it.join, it)
    end
    for _, n in pairs(given) do
      assert(n == 1, "given twice")
      count = count + 1
    end
    assert(count == 31, count .. " of 31 tasks were given")
  end)
end
print("right")
