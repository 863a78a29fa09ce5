--- Jobs that check their own results, each until it has been switched so many times. Prints how often
--- tasks were switched in all.
--   workloads.lua SWITCHES JOBS
local rt = require("rt")

local switches, jobs = tonumber(arg[1]), tonumber(arg[2])

local function job(id)
  local internal = require("rt.core").internal
  local work = dofile("spec/support/workloads.lua")
  local names = {}
  for name in pairs(work) do
    names[#names + 1] = name
  end
  table.sort(names)
  local expected = {}
  rt.critical(function()
    for _, name in ipairs(names) do
      expected[name] = work[name]()
    end
  end)
  local seed, before = id * 7919 + 17, internal.switches()
  while internal.switches() - before < switches do
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    local name = names[(seed >> 8) % #names + 1]
    local value = work[name]()
    if value ~= expected[name] then
      error(("%s: %s, not %s"):format(name, value, expected[name]))
    end
  end
end

local tasks = {}
for i = 1, jobs do
  tasks[i] = rt.spawn(job, i)
end
for i = 1, #tasks do
  tasks[i]:join()
end
print(rt.metrics().preempted)
