--- Random programs on one semaphore; at no time do they hold more permits than there are.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local now = rt.now
local function program(sem, seed, steps)
  math.randomseed(seed)
  local history = {}
  for _ = 1, steps do
    local n, got = math.random(4), nil
    local what = math.random(3)
    if what == 1 then
      got = sem:acquire(n)
    elseif what == 2 then
      got = sem:try_acquire(n)
    else
      got = rt.timeout(math.random() * 0.0003, sem.acquire, sem, n)
    end
    if got then
      local from = now()
      if math.random(3) == 1 then
        rt.yield()
      end
      history[#history + 1] = { at = from, n = n }
      history[#history + 1] = { at = now(), n = -n }
      sem:release(n)
    end
  end
  return history
end
for round = 1, 10 * SCALE + 1 do
  local sem, tasks, events = rt.semaphore(5), {}, {}
  for i = 1, 4 do
    tasks[i] = (i == 4 and rt.spawn_local or rt.spawn)(program, sem, SEED + round * 8 + i, 300)
  end
  for i = 1, 4 do
    local h = tasks[i]:join()
    table.move(h, 1, #h, #events + 1, events)
  end
  table.sort(events, function(a, b)
    if a.at ~= b.at then
      return a.at < b.at
    end
    return a.n < b.n
  end)
  local held = 0
  for _, e in ipairs(events) do
    held = held + e.n
    assert(held <= 5, "six have a permit")
  end
  assert(#sem == 5)
end
print("right")
