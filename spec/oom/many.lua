--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Many tasks: the queue grows and wraps round, with many arguments and many results.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local numbers = {}
for i = 1, 60 do
  numbers[i] = i
end
local function count(...)
  return select("#", ...), ...
end
for _ = 1, 2 do
  local tasks, sum = {}, 0
  for i = 1, 25 do
    tasks[i] = rt.spawn_local(count, table.unpack(numbers, 1, i))
  end
  for i = 1, 25 do
    local results = table.pack(tasks[i]:join())
    right(results.n == i + 1 and results[1] == i and results[i + 1] == i, "arguments and results")
  end
  for i = 1, 25 do
    tasks[i] = rt.spawn_local(function()
      rt.yield()
      sum = sum + i
      return { i }
    end)
    if i % 5 == 0 then
      rt.yield()
    end
  end
  for i = 1, 25 do
    right(tasks[i]:join()[1] == i, "a table")
  end
  right(sum == 325, "all of them")
end
return true
