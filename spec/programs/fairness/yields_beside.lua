--- Tasks that give way until a task of the same worker, which computes, was switched ten times.
local rt = require("rt")
local spin = require("spin")

rt.configure { workers = 1 }
local state = rt.dict()

local function give_way()
  repeat
    rt.yield()
  until state:get("done")
end

local tasks = {}
for i = 1, 10 do
  tasks[i] = rt.spawn(give_way)
end
tasks[11] = rt.spawn(function()
  repeat
    spin.once()
  until rt.metrics().preempted >= 10
  state:set("done", true)
end)
for i = 1, 11 do
  tasks[i]:join()
end
print("done")
