--- Random programs on a semaphore of three permits; each history must have an explanation.
local history = require("history")
local rt = require("rt")
local stories = require("stories")
local SEED, SCALE = require("workers_prelude")()

local function step(sem, log, held)
  local n = math.random(3)
  local what = held > 0 and math.random(4) or math.random(3)
  local op
  if what == 1 then
    op = history.note(log, "try", n, sem.try_acquire, sem, n)
  elseif what == 2 then
    op = history.note(log, "acquire", n, rt.timeout, math.random() * 0.001, sem.acquire, sem, n)
  elseif what == 3 then
    op = history.note(log, "acquire", n, function()
      local which = rt.select(sem:acquire_op(n), rt.sleep_op(math.random() * 0.001))
      return which == 1
    end)
  else
    n = math.random(held)
    history.note(log, "release", n, sem.release, sem, n)
    return held - n
  end
  return op.result and held + n or held
end

local function make()
  return rt.semaphore(3)
end

local function task(sem, log)
  local held = 0
  for _ = 1, 6 do
    held = step(sem, log, held)
    if math.random(4) == 1 then
      rt.yield()
    end
  end
  if held > 0 then
    history.note(log, "release", held, sem.release, sem, held)
  end
end

local function judge(all, round)
  local ops = {}
  for _, op in ipairs(all) do
    for _, other in ipairs(all) do
      if op[1] == "try" and other[1] == "acquire" and other ~= op then
        op.excused = op.excused or other.called <= op.returned and other.returned >= op.called
      end
    end
    if op[1] ~= "acquire" or op.result then
      ops[#ops + 1] = op
    end
  end
  assert(history.linearizable(ops, stories.semaphore, 3), "no story explains round " .. round)
end

stories.rounds(300 * SCALE, SEED, make, task, judge)
print("right")
