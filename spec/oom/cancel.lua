--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Cancelling: queued, waiting, nested in timeouts; cleanup that waits; joins that are cancelled.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

--- Raises what is not a cancellation: with no memory a task may end with another error.
local function cancelled(task)
  local ok, err = pcall(task.join, task)
  right(not ok, "it was cancelled")
  if getmetatable(err) ~= rt.Cancelled then
    error(err, 0)
  end
  return err
end

local ran = false
local queued = rt.spawn_local(function()
  ran = true
end)
queued:cancel("not needed")
right(queued:status() == "cancelled" and cancelled(queued).reason == "not needed", "a queued one")

local log = {}
local waiting = rt.spawn_local(function()
  local guard <close> = setmetatable({}, {
    __close = function()
      log[#log + 1] = "closed"
    end,
  })
  local ok, err = pcall(rt.sleep, 60)
  if getmetatable(err) ~= rt.Cancelled then
    error(err, 0)
  end
  log[#log + 1] = tostring(err)
  rt.sleep(60)
  return ok, guard
end)
rt.yield()
waiting:cancel("enough")
cancelled(waiting)
right(
  not ran and log[1] == "cancelled: enough" and log[2] == "closed" and #log == 2,
  "a waiting one"
)
right(waiting:cancel() == false and waiting:status() == "cancelled", "it stays so")

local target = rt.spawn_local(function()
  rt.yield()
  rt.yield()
  return "all of it"
end)
local joiner = rt.spawn_local(target.join, target)
rt.yield()
joiner:cancel()
cancelled(joiner)
right(target:join() == "all of it", "what was joined goes on")

local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local client <close> = assert(rt.tcp.connect("127.0.0.1", port))
local tasks = {
  rt.spawn_local(listener.accept, listener),
  rt.spawn_local(client.read, client, "l"),
  rt.spawn_local(rt.timeout, 60, rt.timeout, 60, rt.sleep, 60),
  rt.spawn_local(coroutine.wrap(function()
    rt.sleep(60)
  end)),
}
for _ = 1, 3 do
  rt.yield()
end
for i = 2, 4 do
  tasks[i]:cancel { i }
end
local first, why = tasks[1]:join()
assert(first, why)
for i = 2, 4 do
  cancelled(tasks[i])
end
first:close()

--- a cancel that comes with its own timeout still pending
local both = rt.spawn_local(function()
  return rt.timeout(50, rt.sleep, 60)
end)
rt.yield()
both:cancel()
cancelled(both)
local ok = pcall(rt.join, function()
  error("first", 0)
end, function()
  rt.sleep(60)
end)
right(not ok, "a join that fails")
return true
