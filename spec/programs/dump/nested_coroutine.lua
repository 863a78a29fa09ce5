--- Looks in a dump for a task that receives in a function of a coroutine.
local rt = require("rt")
local task_list = require("task_list")

local ch = rt.channel(1)
local t = rt.spawn(function()
  local co = coroutine.wrap(function()
    local function deep()
      ch:recv()
    end
    deep()
  end)
  co()
end)
t.name = "nested"
task_list.find(task_list.waiting("nested"))
local pattern = "%(nested%), waiting for receive for [%d.]+ s, spawned at [^\n]+\n(.*)"
local text = task_list.dump_with(pattern)
local where = text:match(pattern)
assert(
  where and where:match("in method 'recv'.*in upvalue 'deep'.*in local 'deep'")
    or where:match("in method 'recv'.*in local 'deep'"),
  text
)
assert(text:match("task 0 %(main%), running"), text)
ch:send(1)
