-- What tasks wait for is held by garbage only, in the state that the first argument names, so no
-- task is in a deadlock. With "kept" as the second argument the permit is not garbage.
local rt = require("rt")
local spawn = { main = rt.run, pool = rt.spawn, blocking = rt.spawn_blocking }
local where, kept = spawn[arg[1]], arg[2] == "kept"

local function in_state(f, ...)
  local task = where(f, ...)
  return task and task:join()
end

local semaphore = rt.semaphore(1)

local function drop(held)
  local permit = semaphore:permit()
  _G.kept = held and permit
end

local function drop_with_finalizer()
  setmetatable({ semaphore:permit() }, { __gc = function() end })
end

local function drop_in_coroutine()
  coroutine.wrap(function()
    local permit = semaphore:permit()
    coroutine.yield()
    permit:release()
  end)()
end

in_state(drop, kept)
semaphore:acquire()
print("one")
semaphore:release()
in_state(drop_with_finalizer)
semaphore:acquire()
print("two")
semaphore:release()
in_state(drop_in_coroutine)
semaphore:acquire()
print("three")

-- Each permit that comes back has a task drop the next one.
local chain, tasks = {}, {}
for i = 1, 4 do
  chain[i] = rt.semaphore(i == 1 and 1 or 0)
end
in_state(function()
  chain[1]:permit()
end)
for i = 1, 3 do
  tasks[i] = rt.spawn(function()
    chain[i]:permit()
    chain[i + 1]:release()
    chain[i + 1]:permit()
  end)
end
chain[4]:acquire()
print("four")
chain[4]:release()
rt.join(table.unpack(tasks))

-- A task that goes on has forgotten the guard of a lock.
local mutex, has, go = rt.mutex(), rt.channel(1), rt.channel(1)
spawn.main = rt.spawn_local
local forgetful = spawn[arg[1]](function()
  mutex:lock()
  has:send(true)
  go:recv()
end)
has:recv()
mutex:lock():unlock()
print("five")
go:send(true)
forgetful:join()
