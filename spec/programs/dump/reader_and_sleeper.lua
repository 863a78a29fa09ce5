--- Checks what rt.tasks says of a task of the pool that receives, of a local task that sleeps, and of the main chunk.
local rt = require("rt")
local slow = require("slow")
local task_list = require("task_list")

local find, named, waiting = task_list.find, task_list.named, task_list.waiting
local ch = rt.channel(1)
local a = rt.spawn(function()
  ch:recv()
end)
a.name = "reader"
local b = rt.spawn_local(function()
  rt.sleep(30 * slow)
end)
b.name = "sleeper"
local t = find(waiting("reader"))
assert(t.id == a.id and t.state == "waiting" and t.waiting == "receive")
assert(t.worker:match("^pool %d$") and t.spawned:match("lua:%d+$"), t.spawned)
assert(t.waited >= 0 and t.waited < 15 * slow)
t = find(waiting("sleeper"))
assert(t.id == b.id and t.waiting == "sleep" and t.worker == "main")
t = find(named("main"))
assert(t.id == 0 and t.state == "running" and t.worker == "main" and not t.waiting)
rt.sleep(0.3)
t = find(named("reader"))
assert(t.waited >= 0.2, t.waited)
os.exit(0, true)
