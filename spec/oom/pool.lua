--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- The pool: a worker that starts; jobs that end, fail or are cancelled; a channel in both
-- directions.
local oom = require("oom")
local rt = require("rt")

local right = oom.right
pcall(rt.configure, { workers = 1 })

local ch = rt.channel(2)
local tasks = {}
local function spawn(...)
  tasks[#tasks + 1] = rt.spawn(...)
  return tasks[#tasks]
end

local ok, err = pcall(function()
  local list = { 1, { 2, "three" } }
  local done = spawn(function(n)
    return n + 1, list[2][2], { n }
  end, 41)
  local a, b, c = done:join()
  right(a == 42 and b == "three" and c[1] == 41, "results")

  local failing = spawn(function()
    error { "an error" }
  end)
  local joined, problem = pcall(failing.join, failing)
  right(not joined, "it fails")
  if type(problem) ~= "table" then
    error(problem, 0)
  end
  right(problem[1] == "an error", "its error")

  local sender = spawn(function()
    for i = 1, 5 do
      ch:send(i, { i })
    end
    return "sent"
  end)
  for i = 1, 5 do
    local failed, n, t
    repeat
      failed = sender:status() == "failed"
      n, t = rt.timeout(0.1, function()
        return ch:recv()
      end)
    until n or failed
    if n == nil then
      sender:join()
    end
    right(n == i and t[1] == i, "messages")
  end
  right(sender:join() == "sent", "the sender")

  local sleeper = spawn(function()
    rt.sleep(60)
  end)
  sleeper:cancel("not needed")
  joined, problem = pcall(sleeper.join, sleeper)
  right(not joined, "it is cancelled")
  if getmetatable(problem) ~= rt.Cancelled then
    error(problem, 0)
  end
end)
for _, task in ipairs(tasks) do
  task:cancel()
  pcall(task.join, task)
end

-- If there was no memory for the first worker of a pool, each spawn fails from then on.
local no_pool = { "cannot queue a task: ENOMEM", "no worker could be started" }
for _, words in ipairs(no_pool) do
  ok = ok or tostring(err):find(words, 1, true) ~= nil
end
if not ok then
  error(err, 0)
end
return true
