--- rt.mutex: a lock and the value that it guards.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local becomes, join_all, spawners = task_kit.becomes, task_kit.join_all, task_kit.spawners

local function value_of(m)
  local guard <close> = m:lock()
  return guard:get()
end

describe("rt.mutex", function()
  it("with lets the function work on the value, and returns what it returns", function()
    local m = rt.mutex { n = 1, list = {} }
    assert.same({ "more", 5 }, {
      m:with(function(value, by)
        value.n = value.n + by
        table.insert(value.list, by)
        return "more", value.n
      end, 4),
    })
    assert.equal(0, select("#", m:with(function() end)))
    assert.equal(
      5,
      rt.spawn(function()
        return m:with(function(value)
          return value.n
        end)
      end):join()
    )
    assert.same({ n = 5, list = { 4 } }, value_of(m))
    local counter = rt.mutex((function()
      local n = 0
      return function()
        n = n + 1
        return n
      end
    end)())
    local function call(f)
      return f()
    end
    assert.same({ 1, 2, 3 }, { counter:with(call), counter:with(call), counter:with(call) })
    local number = rt.mutex(1)
    assert.equal(
      2,
      number:with(function(n)
        n = n + 1
        return n
      end)
    )
    assert.equal(1, value_of(number))
  end)

  it("update makes the first result the new value", function()
    local m = rt.mutex(1)
    assert.same({ 3, "more" }, { m:update(function(n, by)
      return n + by, "more"
    end, 2) })
    assert.same({ true, 4 }, { m:try_update(function(n)
      return n + 1
    end) })
    assert.equal(4, value_of(m))
    m:update(function()
      return nil
    end)
    assert.is_nil(value_of(m))
    m = rt.mutex { n = 1 }
    local message = kit.refused(m.update, m, function(value)
      value.n = 2
    end)
    assert.matches("the function returned no new value", message)
    assert.equal("rt.mutex (unlocked)", tostring(m))
    assert.equal(
      1,
      m:with(function(value)
        return value.n
      end)
    )
  end)

  it("an error releases the lock, leaves the value, and arrives as it is", function()
    local m, err = rt.mutex("before"), { "mine" }
    local ok, got = pcall(m.with, m, function()
      error(err)
    end)
    assert.is_false(ok)
    assert.equal(err, got)
    assert.matches(
      "cannot send value 1 %(userdata FILE%*%)",
      kit.refused(m.update, m, function()
        return io.tmpfile()
      end)
    )
    assert.same({ true, "before" }, { m:try_with(function(value)
      return value
    end) })
    local t = rt.mutex { n = 1 }
    assert.is_false(pcall(t.with, t, function(value)
      value.n = 2
      error("no")
    end))
    assert.matches(
      "cannot send value 1 %.file %(userdata FILE%*%)",
      kit.refused(t.with, t, function(value)
        value.n, value.file = 2, io.tmpfile()
      end)
    )
    assert.same({ n = 1 }, value_of(t))
    assert.equal("rt.mutex (unlocked)", tostring(m))
  end)

  it("lock returns a guard: get, set, unlock, <close>", function()
    local m = rt.mutex(1)
    do
      local guard <close> = m:lock()
      guard:set(guard:get() + 1)
      assert.equal("rt.mutex (locked by main, 0 waiting)", tostring(m))
      assert.equal("rt.guard (locked)", tostring(guard))
    end
    local guard = m:lock()
    assert.equal(2, guard:get())
    guard:unlock()
    assert.matches("has been unlocked", kit.refused(guard.unlock, guard))
    assert.matches("has been unlocked", kit.refused(guard.get, guard))
    assert.matches("has been unlocked", kit.refused(guard.set, guard, 1))
    local second <close> = m:lock()
    getmetatable(guard).__close(guard) -- an old guard does not unlock a later lock
    assert.equal(2, second:get())
  end)

  it("an old guard does nothing to the lock of its next owner", function()
    local m = rt.mutex(1)
    local old = m:lock()
    local release = rt.notify()
    local owner = rt.spawn_local(function()
      local guard <close> = m:lock() -- waits, and is handed the lock
      release:wait()
      return guard:get()
    end)
    rt.yield()
    old:unlock()
    while tostring(m) ~= ("rt.mutex (locked by task %d, 0 waiting)"):format(owner.id) do
      rt.yield()
    end
    assert.matches("has been unlocked", kit.refused(old.unlock, old))
    assert.matches("has been unlocked", kit.refused(old.set, old, 2))
    getmetatable(old).__close(old)
    assert.is_nil((m:try_lock()))
    release:notify_one()
    assert.equal(1, owner:join())
  end)

  it("try_lock and try_with do not wait", function()
    local m = rt.mutex(1)
    local guard = m:try_lock()
    assert.is_nil((m:try_lock()))
    assert.is_nil((m:try_with(error)))
    assert.same(
      { nil, "locked" },
      { rt.spawn(function()
        return m:try_lock()
      end):join() }
    )
    guard:unlock()
    assert.same({ true, 2, 3 }, {
      m:try_with(function(value)
        return 2, 3
      end),
    })
  end)

  it("locking twice, and unlocking what another task holds, raise", function()
    local m = rt.mutex()
    assert.matches("does not hold the mutex", kit.refused(m.unlock, m))
    local guard = m:lock()
    assert.matches("deadlock: this task holds the mutex already", kit.refused(m.lock, m))
    assert.matches("deadlock", kit.refused(m.with, m, print))
    for _, spawner in ipairs(spawners) do
      local task = spawner[2](function()
        return m:unlock()
      end)
      assert.matches("does not hold the mutex", kit.refused(task.join, task))
    end
    m:unlock()
    assert.equal("rt.guard (unlocked)", tostring(guard))
  end)

  it("a lock whose guard was forgotten is given back when the guard is collected", function()
    local m = rt.mutex("kept")
    local function forget()
      local guard = m:lock()
      return #guard:get()
    end
    assert.equal(4, forget())
    local waiter = rt.spawn(value_of, m) -- (it need not wait, if the guard is collected before)
    collectgarbage()
    collectgarbage()
    assert.equal("kept", rt.timeout(10 * kit.slow, waiter.join, waiter))
    assert.equal("rt.mutex (unlocked)", tostring(m))
    assert.matches("does not hold the mutex", kit.refused(m.unlock, m))
    local guard = m:lock() -- one that is kept is not collected
    collectgarbage()
    collectgarbage()
    assert.equal("kept", guard:get())
    guard:unlock()
  end)

  it("a guard that is forgotten after other collections gives the lock back, too", function()
    local m = rt.mutex()
    local guard = m:lock()
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.equal("rt.guard (locked)", tostring(guard))
    guard = nil
    collectgarbage()
    collectgarbage()
    assert.equal("rt.mutex (unlocked)", tostring(m))
    assert.is_nil(guard)
  end)

  it("guards that finalizers use give back their own locks, and no others", function()
    local code, out, err = kit.run(kit.program("finalizers"))
    assert.same({ 0, "20 20\nnil 50\nright\n", "" }, { code, out, err })
  end)

  it("of many guards those that were forgotten give their locks back", function()
    local mutexes, guards = {}, {}
    for i = 1, 300 do
      local m = rt.mutex(i)
      mutexes[i] = m
      guards[i] = m:lock()
    end
    for i = 1, 300 do
      if i % 3 == 0 then
        guards[i] = nil
      elseif i % 3 == 1 then
        mutexes[i]:unlock()
        guards[i] = i % 2 == 0 and mutexes[i]:try_lock() or nil
      end
    end
    collectgarbage()
    collectgarbage()
    for i = 1, 300 do
      local text = guards[i] and "rt.mutex (locked by main, 0 waiting)" or "rt.mutex (unlocked)"
      assert.equal(text, tostring(mutexes[i]), i)
    end
  end)

  it("a guard that is collected late gives no other lock back", function()
    local m = rt.mutex()
    local function again()
      m:lock():unlock()
    end
    again()
    local guard <close> = m:lock()
    collectgarbage()
    collectgarbage()
    assert.equal("rt.guard (locked)", tostring(guard))
  end)

  it("travels: another reference to the same mutex, equal to it", function()
    local m = rt.mutex(1)
    local same, other = rt.spawn(function()
      m:update(function(value)
        return value + 1
      end)
      return m, rt.mutex()
    end):join()
    assert.equal(m, same)
    assert.is_false(m == other)
    assert.equal(2, value_of(same))
  end)

  for _, spawner in ipairs(spawners) do
    it("a task that dies with the lock gives it back: " .. spawner[1], function()
      local m = rt.mutex("kept")
      for _, how in ipairs { "error", "return", "cancel", "generator" } do
        local task = spawner[2](function()
          local _ = m:lock()
          if how == "error" then
            error("dead")
          elseif how == "cancel" then
            rt.sleep(100)
          elseif how == "generator" then
            local next = coroutine.wrap(function()
              m:unlock()
              m:with(coroutine.yield)
            end)
            next()
          end
        end)
        if how == "cancel" then
          becomes(m, "locked by task")
          assert.is_nil((m:try_lock()))
          task:cancel()
        end
        pcall(task.join, task)
        -- free as soon as the task has been joined
        local guard <close> = assert(m:try_lock(), how)
        assert.equal("kept", guard:get())
      end
    end)
  end

  it("G19 is handed on in the order in which they came, nobody gets in between", function()
    local m, log, tasks = rt.mutex(), {}, {}
    local held = m:lock()
    for i = 1, 20 do
      tasks[i] = rt.spawn_local(function()
        m:with(function()
          log[#log + 1] = i
          rt.yield()
        end)
      end)
      rt.yield()
    end
    held:unlock()
    assert.is_nil((m:try_lock())) -- the first task holds it already
    m:with(function()
      log[#log + 1] = "last"
    end)
    local expected = {}
    for i = 1, 20 do
      expected[i] = i
    end
    expected[21] = "last"
    assert.same(expected, log)
    join_all(tasks)
  end)

  for _, spawner in ipairs(spawners) do
    it("G8 a cancelled waiter never comes to own the lock: " .. spawner[1], function()
      local m = rt.mutex()
      local held = m:lock()
      local first, second = spawner[2](function()
        return m:lock()
      end), nil
      becomes(m, "1 waiting")
      second = rt.spawn_local(function()
        m:with(rt.yield)
        return "got it"
      end)
      becomes(m, "locked by main, 2 waiting")
      first:cancel()
      becomes(m, "locked by main, 1 waiting")
      held:unlock()
      assert.equal("got it", second:join())
      assert.matches("cancelled", kit.refused(first.join, first))
    end)
  end

  it("G9 what comes first counts: the lock, or the cancel", function()
    for order, expected in pairs { ["unlock first"] = "rt.guard (locked)", ["cancel first"] = false } do
      local m, had = rt.mutex(), false
      local held = m:lock()
      local first = rt.spawn_local(function()
        local guard <close> = m:lock()
        had = tostring(guard)
        rt.sleep(0)
      end)
      rt.yield()
      rt.yield()
      if order == "unlock first" then
        held:unlock()
        first:cancel()
      else
        first:cancel()
        held:unlock()
      end
      assert.matches("cancelled", kit.refused(first.join, first))
      assert.equal(expected, had)
      assert.equal("rt.mutex (unlocked)", tostring(m))
    end
  end)

  it("G8 a timeout leaves the queue", function()
    local m = rt.mutex()
    local held = m:lock()
    assert.same({ nil, "timeout" }, { rt.spawn_local(rt.timeout, 0.002, m.lock, m):join() })
    held:unlock()
    assert.equal("rt.mutex (unlocked)", tostring(m))
  end)

  it("G4 8 tasks count to 80,000 and miss nothing", function()
    kit.on_workers(kit.program("counters"))
  end)

  it("G8 timeouts and cancels race with the hand-off: what returned has happened", function()
    kit.on_workers(kit.program("timeouts_and_cancels"))
  end)

  --- Every successful operation reads how many came before it, which gives their order. The order
  --- is possible if no operation ended before an operation that is earlier in it began. An attempt
  --- may fail only if another task may have held the lock meanwhile.
  it("random programs are linearizable", function()
    kit.on_workers(kit.program("random_histories"))
  end)

  it("the value may be replaced by a module that is loaded to read it", function()
    local hook
    package.preload["mutex_spec.module"] = function()
      if hook then
        hook()
      end
      return { f = function() end }
    end
    local module = require("mutex_spec.module")
    local m = rt.mutex { module, ("x"):rep(100000) }
    package.loaded["mutex_spec.module"] = nil
    local guard <close> = m:lock()
    function hook()
      guard:set { "another" }
    end
    assert.equal(100000, #guard:get()[2])
    assert.same({ "another" }, guard:get())
    package.preload["mutex_spec.module"] = nil
    package.loaded["mutex_spec.module"] = nil
  end)
end)
