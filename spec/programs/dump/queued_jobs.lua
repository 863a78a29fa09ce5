--- Looks for blocking jobs that wait in the queue behind one that has begun.
local rt = require("rt")
local task_list = require("task_list")

rt.configure { blocking = 1 }
local go = rt.channel(1)
local tasks = {}
for i = 1, 4 do
  tasks[i] = rt.spawn_blocking(function()
    go:recv()
  end)
  tasks[i].name = "job " .. i
end
local _, list = task_list.find(function(list)
  return task_list.count(list, "queued") == 3 and task_list.count(list, "waiting") == 1
end)
for _, t in ipairs(list) do
  if t.state == "queued" then
    assert(t.worker == nil and t.name:match("^job") and t.spawned)
  end
end
task_list.dump_with("in the queues: 3\n.*queued")
for _ = 1, 4 do
  go:send(1)
end
rt.join(table.unpack(tasks))
