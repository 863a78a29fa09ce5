--- What specs of waiting tasks share: spawning a task of each kind, and waiting until it waits.
local kit = require("kit")
local rt = require("rt")

local task_kit = {}

--- Each kind of task: its name in titles, and the function that spawns one.
task_kit.spawners = {
  { "local tasks", rt.spawn_local },
  { "tasks of the pool", rt.spawn },
  { "blocking tasks", rt.spawn_blocking },
}

--- Runs the tasks of this state until each of them waits.
function task_kit.settle()
  rt.sleep(0.01 * kit.slow)
end

--- Waits until a task of any worker waits.
function task_kit.waits(task)
  kit.wait_for(function()
    return task:status() == "waiting"
  end, 10, "a wait; the task is " .. task:status())
end

--- Waits until the text of the object (tostring) has this in it.
function task_kit.becomes(object, text)
  kit.wait_for(function()
    return tostring(object):find(text, 1, true)
  end, 10, text .. "; it is " .. tostring(object))
end

--- Joins all of these tasks; errors are ignored.
function task_kit.join_all(list)
  for _, task in ipairs(list) do
    pcall(task.join, task)
  end
end

return task_kit
