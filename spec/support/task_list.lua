--- For programs: calls rt.tasks and rt.dump until they show what is expected.
local rt = require("rt")
local slow = require("slow")

local task_list = {}

--- Calls f with the list of tasks until it returns something true; returns that, and the list.
function task_list.find(f)
  local deadline = rt.now() + 15 * slow
  repeat
    local list = rt.tasks()
    local found = f(list)
    if found then
      return found, list
    end
    rt.sleep(0.01)
  until rt.now() > deadline
  error("it did not come to that", 2)
end

--- Returns a function for `find`: the task of that name.
function task_list.named(name)
  return function(list)
    for _, t in ipairs(list) do
      if t.name == name then
        return t
      end
    end
  end
end

--- Returns a function for `find`: the task of that name, when it waits.
function task_list.waiting(name)
  local named = task_list.named(name)
  return function(list)
    local t = named(list)
    return t and t.waiting and t
  end
end

--- Returns how many tasks of the list are in that state.
function task_list.count(list, state)
  local n = 0
  for _, t in ipairs(list) do
    if t.state == state then
      n = n + 1
    end
  end
  return n
end

local function text_of_dump()
  local path = os.tmpname()
  assert(rt.dump(path))
  local f = assert(io.open(path))
  local text = f:read("a")
  f:close()
  os.remove(path)
  return text
end

--- The seconds that a dump may take: it waits for the answers of the workers, which takes 0.25 s at
--- most.
local IN_TIME = 0.4 * slow

--- Returns a dump that matches the pattern and was made in time. A worker that gets no CPU
--- does not answer in time, so there is more than one attempt.
function task_list.dump_with(pattern)
  local text
  for _ = 1, 20 * slow do
    local began = rt.now()
    text = text_of_dump()
    if rt.now() - began < IN_TIME and text:match(pattern) then
      return text
    end
  end
  error("no '" .. pattern .. "' in\n" .. text, 2)
end

return task_list
