--- Looks in a dump, and in rt.tasks, for a task of the pool that is in a C function which does not return.
local rt = require("rt")
local task_list = require("task_list")
local wait = require("wait")

local before, stop = os.tmpname(), os.tmpname()
local t = rt.spawn(function()
  os.execute("rm " .. before .. "; while [ -e " .. stop .. " ]; do sleep 0.05; done")
end)
t.name = "sleepwalker"
wait.until_true(function()
  local file = io.open(before)
  return not (file and file:close())
end, "the command")
task_list.dump_with(
  "pool %d: stuck, does not answer: runs task %d+ %(sleepwalker%), spawned at [^\n]+lua:%d+"
)
local found = assert(task_list.named("sleepwalker")(rt.tasks()))
assert(found.stuck and found.state == "running")
os.remove(stop)
t:join()
