--- Round after round (arg[1]: how many), one task after the other spawns a thousand, cancels every
--- fifth of them, and does not yield before 32 have begun: so these were stolen. Each leaves its
--- mark; no mark is missing or there twice.
local rt = require("rt")

local rounds, each, begun = tonumber(arg[1]), 1000, rt.dict()

local function mark(i)
  begun:incr("all")
  return begun:incr(i)
end

local function spawn_some()
  local tasks = {}
  for i = 1, each do
    tasks[i] = rt.spawn(mark, i)
    if i % 5 == 0 then
      tasks[i]:cancel()
    end
  end
  while (begun:get("all") or 0) < 32 do
  end
  return tasks
end

local function round()
  local done, cancelled = 0, 0
  for i, task in ipairs(rt.critical(spawn_some)) do
    local ok, marks = pcall(task.join, task)
    if ok then
      done = done + 1
      assert(marks == 1 and task:status() == "done", "begun twice")
    else
      cancelled = cancelled + 1
      assert(i % 5 == 0 and task:status() == "cancelled", tostring(marks))
    end
    -- a cancel may come after the task has left its mark
    local left = begun:get(i) or 0
    assert(left == 1 or left == 0 and not ok, left .. " marks")
  end
  local marks = begun:get("all")
  begun:clear()
  return done, cancelled, marks
end

local done, cancelled, marks = 0, 0, 0
for _ = 1, rounds do
  local d, c, m = rt.spawn(round):join()
  done, cancelled, marks = done + d + 1, cancelled + c, marks + m + 1
end
local m = rt.metrics()
assert(m.spawned == rounds * (each + 1), m.spawned .. " spawned")
assert(m.spawned == m.started + m.unstarted, m.started .. " started, " .. m.unstarted .. " not")
assert(m.done == done and m.cancelled == cancelled and m.failed == 0, "not as the handles say")
assert(done <= marks and marks <= m.started, marks .. " marks, " .. m.started .. " started")
assert(m.unstarted > 0 and m.stolen >= rounds * 32, m.stolen .. " stolen")
print(m.spawned == done + cancelled)
