--- Random programs on one mutex. Every successful operation reads how many came before it, which
-- gives their order. The order is possible if no operation ended before an operation that is
-- earlier in it began. An attempt may fail only if another task may have held the lock meanwhile.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local now = rt.now
local function program(m, seed, steps)
  math.randomseed(seed)
  local history, failed = {}, {}
  local function take(n)
    return n + 1, n
  end
  for _ = 1, steps do
    local from, n = now(), nil
    local what = math.random(6)
    if what <= 2 then
      n = select(2, m:update(take))
    elseif what == 3 then
      n = select(3, m:try_update(take))
    elseif what == 4 then
      local guard <close> = m:lock()
      n = guard:get()
      if math.random(3) == 1 then
        rt.yield()
      end
      guard:set(n + 1)
    elseif what == 5 then
      local guard = m:try_lock()
      if guard then
        n = guard:get()
        guard:set(n + 1)
        guard:unlock()
      end
    else
      local got = rt.timeout(math.random() * 0.0002, m.update, m, take)
      n = math.type(got) and got - 1
      if not n then
        goto next
      end
    end
    table.insert(n and history or failed, { from = from, to = now(), n = n })
    ::next::
    if math.random(5) == 1 then
      rt.yield()
    end
  end
  return history, failed
end
for round = 1, 10 * SCALE + 1 do
  local m, tasks = rt.mutex(0), {}
  for i = 1, 4 do
    tasks[i] = (i == 4 and rt.spawn_local or rt.spawn)(program, m, SEED + round * 8 + i, 300)
  end
  local all, failed = {}, {}
  for i = 1, 4 do
    local h, f = tasks[i]:join()
    table.move(h, 1, #h, #all + 1, all)
    for _, one in ipairs(f) do
      one.task = i
      failed[#failed + 1] = one
    end
  end
  table.sort(all, function(a, b)
    return a.n < b.n
  end)
  local latest = 0
  for i, one in ipairs(all) do
    assert(one.n == i - 1, "two saw the same")
    assert(one.to >= latest, "one that had ended comes after one that had not begun")
    latest = math.max(latest, one.from)
  end
  assert(m:lock():get() == #all)
  for _, one in ipairs(failed) do
    local excused = false
    for _, other in ipairs(all) do
      excused = excused or (other.from <= one.to and other.to >= one.from)
    end
    assert(excused, "it was free, and could not be had")
  end
end
print("right")
