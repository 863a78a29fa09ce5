--- For programs: the objects that a task can wait for. An entry has a name and these functions:
--    make()      makes one
--    wait(x)     waits
--    select(x)   does the same with rt.select
--    give(x)     makes one wait succeed
--    left(x)     returns whether what was given is still there, and takes it
--    kept(x)     (locks only) locks again, after the task that got the lock has unlocked
local rt = require("rt")

--- The guards of the locks that are held, by mutex. (A field of the module, so that functions which use
--- it can be sent.)
local guards = setmetatable({}, { __mode = "k" })

local function selecting(op)
  return function(x)
    return select(2, rt.select(op(x), rt.sleep_op(math.huge)))
  end
end

local function given(f)
  return function(x)
    return rt.timeout(0, f, x) ~= nil
  end
end

local things = {
  {
    "lock",
    make = function()
      local m = rt.mutex()
      guards[m] = m:lock()
      return m
    end,
    wait = function(m)
      m:lock():unlock()
      return true
    end,
    select = function(m)
      local _, guard = rt.select(m:lock_op(), rt.sleep_op(math.huge))
      guard:unlock()
      return true
    end,
    give = function(m)
      m:unlock()
    end,
    left = function(m)
      guards[m] = m:try_lock()
      return guards[m]
    end,
    kept = function(m)
      guards[m] = m:lock()
    end,
  },
  {
    "permit",
    make = function()
      return rt.semaphore(0)
    end,
    wait = function(s)
      return s:acquire(2)
    end,
    select = selecting(function(s)
      return s:acquire_op(2)
    end),
    give = function(s)
      s:release(2)
    end,
    left = function(s)
      return s:try_acquire(2) and #s == 0
    end,
  },
  {
    "message",
    make = function()
      return rt.channel(1)
    end,
    wait = function(ch)
      return ch:recv()
    end,
    select = selecting(function(ch)
      return ch:recv_op()
    end),
    give = function(ch)
      ch:send(true)
    end,
    left = function(ch)
      return #ch == 1 and ch:try_recv()
    end,
  },
  {
    "room",
    make = function()
      local ch = rt.channel(1)
      ch:send(1)
      return ch
    end,
    wait = function(ch)
      return ch:send(2)
    end,
    select = selecting(function(ch)
      return ch:send_op(2)
    end),
    give = function(ch)
      ch:recv()
    end,
    left = function(ch)
      return #ch == 0 and ch:try_send(3)
    end,
  },
  {
    "room for bytes",
    make = function()
      local ch = rt.channel(8, { bytes = 100 })
      ch:send(("x"):rep(80))
      return ch
    end,
    wait = function(ch)
      return ch:send(("y"):rep(80))
    end,
    select = selecting(function(ch)
      return ch:send_op(("y"):rep(80))
    end),
    give = function(ch)
      ch:recv()
    end,
    left = function(ch)
      return #ch == 0 and ch:try_send(("z"):rep(80))
    end,
  },
  {
    "notification",
    make = rt.notify,
    wait = function(n)
      return n:wait()
    end,
    select = selecting(function(n)
      return n:wait_op()
    end),
    give = function(n)
      n:notify_one()
    end,
    left = given(function(n)
      return n:wait()
    end),
  },
  {
    "broadcast",
    make = function()
      local b = rt.broadcast(4)
      return { b, b:subscribe() }
    end,
    wait = function(x)
      return x[2]:recv()
    end,
    select = selecting(function(x)
      return x[2]:recv_op()
    end),
    give = function(x)
      x[1]:send(true)
    end,
    left = function(x)
      return x[2]:try_recv()
    end,
  },
  {
    "change",
    make = function()
      local w = rt.watch(0)
      return { w, w:subscribe() }
    end,
    wait = function(x)
      return x[2]:recv()
    end,
    select = selecting(function(x)
      return x[2]:recv_op()
    end),
    give = function(x)
      x[1]:set(true)
    end,
    left = function(x)
      return x[2]:try_recv()
    end,
  },
}

things.guards = guards

return things
