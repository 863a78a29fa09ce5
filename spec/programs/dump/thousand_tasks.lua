--- Checks that rt.tasks and rt.dump have all of a thousand tasks that wait, each once.
local rt = require("rt")
local task_list = require("task_list")

local ch = rt.channel(1)
for _ = 1, 500 do
  rt.spawn(function()
    ch:recv()
  end)
  rt.spawn_local(function()
    ch:recv()
  end)
end
local first = rt.tasks()
assert(#first == 1001, #first)
local _, list = task_list.find(function(found)
  return task_list.count(found, "waiting") == 1000
end)
local seen, at = {}, { main = 0, pool = 0 }
for _, t in ipairs(list) do
  assert(not seen[t.id])
  seen[t.id] = true
  local where = t.worker:match("%a+")
  at[where] = at[where] + 1
end
assert(#list == 1001 and at.main == 501 and at.pool == 500)
task_list.dump_with("tasks: 1001")
for _ = 1, 1000 do
  ch:send(1)
end
task_list.find(function(list)
  return #list == 1
end)
