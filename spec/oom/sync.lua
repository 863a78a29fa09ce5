--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Objects that tasks share: an operation that fails has taken nothing; permits and locks are given
-- back.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local m, sem, once = rt.mutex(0), rt.semaphore(2), rt.once()
local notify, barrier = rt.notify(), rt.barrier(2)
local watch, broadcast = rt.watch(0), rt.broadcast(2)

local function count(n)
  rt.yield()
  return n + 1, n
end

local function spare()
  right(tostring(m) == "rt.mutex (unlocked)", tostring(m))
  right(tostring(sem) == "rt.semaphore (2 available, 0 waiting)", tostring(sem))
end

local tasks = {}
local ok, err = pcall(function()
  for i = 1, 4 do
    tasks[i] = rt.spawn_local(function()
      local _, before = m:update(count)
      right(before < 4, "the value")
      do
        local guard <close> = m:lock()
        guard:set(guard:get())
      end
      do
        local _ <close> = sem:permit(2)
        rt.yield()
      end
      sem:with(rt.yield)
      local t = once:get(function()
        rt.yield()
        return { "made" }
      end)
      right(t[1] == "made", "what was made")
      return before
    end)
  end
  oom.join(table.unpack(tasks))
end)
for _, task in ipairs(tasks) do
  task:cancel()
  pcall(task.join, task)
end
tasks = nil
collectgarbage()
spare()
if not ok then
  error(err, 0)
end
right(m:with(function(n)
  return n
end) == 4, "the count")

local watcher, subscriber = watch:subscribe(), broadcast:subscribe()
local listener = rt.spawn_local(function()
  notify:wait()
  barrier:wait()
  local value = watcher:recv()
  return value + subscriber:recv()
end)
local speaker = rt.spawn_local(function()
  notify:notify_one()
  barrier:wait()
  watch:set(1)
  broadcast:send(2)
end)
right(oom.join(listener, speaker) == 3, "what was said")
return true
