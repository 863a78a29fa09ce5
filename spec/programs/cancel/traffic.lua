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

local function struck(step, my, back, seconds)
  local _, why
  if how == "timeout" then
    _, why = rt.timeout(seconds, go_on, step, my)
  else
    _, why = pcall(go_on, step, my)
  end
  rt.shield(back.send, back, my)
  if how ~= "timeout" then
    error(why, 0)
  end
  return why
end

local function until_it_runs(task)
  while task:status() == "queued" do
    rt.yield()
  end
end

local strike = {}

function strike.timeout(step, my, back, seconds)
  assert(rt.spawn(struck, step, my, back, seconds):join() == "timeout")
end

function strike.cancel(step, my, back, seconds)
  local task = rt.spawn(struck, step, my, back)
  until_it_runs(task)
  rt.sleep(seconds)
  task:cancel("struck")
  local _, err = pcall(task.join, task)
  assert(err.reason == "struck", tostring(err))
end

function strike.scope(step, my, back, seconds)
  local _, err = pcall(rt.scope, function(scope)
    until_it_runs(scope:spawn(struck, step, my, back))
    scope:spawn(function()
      rt.sleep(seconds)
      error("sibling", 0)
    end)
  end)
  assert(err == "sibling", tostring(err))
end

local function round(row)
  local my, their = row.make()
  local back, stop = rt.channel(1), rt.dict()
  local partner = rt.spawn(row.partner, their or my, stop)
  strike[how](row.step, my, back, math.random() * 0.003)
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
