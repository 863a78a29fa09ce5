--- Cancels one of two tasks that exchange something, at random moments: all that was sent must have
--- been received. Prints "right" at the end.
--   traffic.lua HOW SEED ROUNDS
-- HOW: cancel, timeout, scope. RT_WORKERS is from the environment.
local how, seed, rounds = arg[1], tonumber(arg[2]), tonumber(arg[3])
math.randomseed(seed)

local rt = require("rt")
local rows = require("cancel_traffic")

local names = {}
for name in pairs(rows) do
  names[#names + 1] = name
end
table.sort(names)

local function go_on(step, my)
  while true do
    rt.critical(step, my) -- critical: a step that is done is also counted
  end
end

--- Sends `my` back, however it ends. (`state` says that it will: a task that is cancelled before its
--- first instruction never runs, although its status is not "queued" any more.)
local function struck(step, my, back, state, seconds)
  local returns <close> = setmetatable({}, {
    __close = function()
      rt.shield(back.send, back, my)
    end,
  })
  state:set("runs", true)
  if how == "timeout" then
    return select(2, rt.timeout(seconds, go_on, step, my))
  end
  go_on(step, my)
end

local function until_it_runs(state)
  while not state:get("runs") do
    rt.yield()
  end
end

local strike = {}

function strike.timeout(step, my, back, state, seconds)
  assert(rt.spawn(struck, step, my, back, state, seconds):join() == "timeout")
end

function strike.cancel(step, my, back, state, seconds)
  local task = rt.spawn(struck, step, my, back, state)
  until_it_runs(state)
  rt.sleep(seconds)
  task:cancel("struck")
  local _, err = pcall(task.join, task)
  assert(err.reason == "struck", tostring(err))
end

function strike.scope(step, my, back, state, seconds)
  local _, err = pcall(rt.scope, function(scope)
    scope:spawn(struck, step, my, back, state)
    until_it_runs(state)
    scope:spawn(function()
      rt.sleep(seconds)
      error("sibling", 0)
    end)
  end)
  assert(err == "sibling", tostring(err))
end

local function round(row)
  local my, their = row.make()
  local back, stop, state = rt.channel(1), rt.dict(), rt.dict()
  local partner = rt.spawn(row.partner, their or my, stop)
  strike[how](row.step, my, back, state, math.random() * 0.003)
  my = back:recv()
  stop:set(1, true)
  row.settle(my, partner)
end

for _ = 1, rounds do
  for _, name in ipairs(names) do
    local ok, err = pcall(round, rows[name])
    if not ok then
      error(name .. ": " .. tostring(err), 0)
    end
  end
end
print("right")
