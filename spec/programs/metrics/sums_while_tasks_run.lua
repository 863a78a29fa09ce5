--- While tasks run, no number of rt.metrics falls, and each is the sum of what the workers have.
local rt = require("rt")
local settled = require("settled")

local sums = {
  "spawned",
  "started",
  "unstarted",
  "done",
  "failed",
  "cancelled",
  "resumes",
  "preempted",
  "polls",
  "parks",
  "posts",
  "timers",
  "stolen",
}
local last
for _ = 1, 50 do
  local tasks = {}
  for i = 1, 20 do
    tasks[i] = rt.spawn(function()
      rt.yield()
    end)
  end
  local m = rt.metrics()
  for _, name in ipairs(sums) do
    assert(math.type(m[name]) == "integer", name)
    assert(not last or m[name] >= last[name], name .. " falls")
    local sum = m.main[name]
    for _, w in ipairs(m.workers) do
      sum = sum + w[name]
    end
    for _, w in ipairs(m.blocking) do
      sum = sum + w[name]
    end
    assert(sum <= m[name], name .. " does not add up") -- some events belong to no worker
  end
  last = m
  for i = 1, 20 do
    tasks[i]:join()
  end
end
settled()
