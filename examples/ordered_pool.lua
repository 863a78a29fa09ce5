-- A pool of workers for a stream of jobs: jobs end in any order, and their results come in the
-- order of the jobs. At most WINDOW jobs have been taken and not delivered, even if the first one
-- is slow.
-- Run: build/lua5.4/rt-lua examples/ordered_pool.lua
local rt = require("rt")

local WORKERS, WINDOW = 4, 16

--- Does jobs until there are no more. Each comes with the channel for its result.
local function work(f, jobs)
  for job, result in jobs:iter() do
    result:send(pcall(f, job))
  end
end

--- An iterator over f(job) for each job that `next_job` returns, in the order of the jobs.
local function ordered(f, next_job)
  local jobs = rt.channel(WINDOW)
  local waiting, first, last = {}, 1, 0 -- the channels of results to come
  local function feed()
    local job = next_job()
    if job == nil then
      jobs:close()
      return false
    end
    last = last + 1
    waiting[last] = rt.channel(1)
    return jobs:send(job, waiting[last])
  end
  for _ = 1, WORKERS do
    rt.spawn(work, f, jobs)
  end
  local more = true
  return function()
    while more and last - first + 1 < WINDOW do
      more = feed()
    end
    local result = waiting[first]
    if not result then
      return nil
    end
    waiting[first], first = nil, first + 1
    local ok, value = result:recv()
    if not ok then
      error(value, 0)
    end
    return value
  end
end

--- The number of steps of the Collatz sequence, which is much larger for some numbers than for
--- others.
local function collatz(n)
  local from, steps = n, 0
  while n ~= 1 do
    n = n % 2 == 0 and n // 2 or 3 * n + 1
    steps = steps + 1
    if steps % 40 == 0 then
      rt.sleep(0.001)
    end
  end
  return { from = from, steps = steps }
end

local asked = 0
local function next_number()
  asked = asked + 1
  return asked <= 200 and asked or nil
end

local n, sum, in_order = 0, 0, true
for result in ordered(collatz, next_number) do
  n = n + 1
  in_order = in_order and result.from == n
  sum = sum + result.steps
end
print(("%d results, in order: %s"):format(n, in_order))
print(("%d steps in all"):format(sum))

-- expect: 200 results, in order: true
-- expect: 8418 steps in all
