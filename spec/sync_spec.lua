--- What tasks of any worker share: rt.mutex, rt.semaphore, rt.notify, rt.watch, rt.broadcast,
--- rt.barrier, rt.once.
local kit = require("kit")
local rt = require("rt")

local spawners = {
  { "local tasks", rt.spawn_local },
  { "tasks of the pool", rt.spawn },
  { "blocking tasks", rt.spawn_blocking },
}

local on_workers = kit.on_workers

--- Lets tasks that may run do so, until they wait.
local function settle()
  rt.sleep(0.01 * kit.slow)
end

--- Waits until the object says this of itself.
local function becomes(object, text)
  kit.wait_for(function()
    return tostring(object):find(text, 1, true)
  end, 10, text .. "; it is " .. tostring(object))
end

local function join_all(tasks)
  for _, task in ipairs(tasks) do
    pcall(task.join, task)
  end
end

describe("rt.mutex", function()
  it("guards a value: the first result is the new one, with returns the others", function()
    local m = rt.mutex { n = 1 }
    assert.equal(
      "more",
      m:with(function(value, by)
        value.n = value.n + by
        return value, "more"
      end, 4)
    )
    assert.equal(0, select("#", m:with(function() end)))
    assert.equal(5, m:with(function(value)
      value.n = "only a copy"
    end) or m:with(function(value)
      return value, value.n
    end))
    m:with(function()
      return nil
    end)
    assert.is_nil(m:lock():get())
    m:unlock()
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
      kit.refused(m.with, m, function()
        return io.tmpfile()
      end)
    )
    assert.same({ true, "before" }, {
      m:try_with(function(value)
        return value, value
      end),
    })
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
    getmetatable(guard).__close(guard) -- does not unlock what is somebody else's
    assert.equal(2, second:get())
  end)

  it("try_lock and try_with do not wait", function()
    local m = rt.mutex(1)
    local guard = m:try_lock()
    assert.is_false(m:try_lock())
    assert.is_false((m:try_with(error)))
    assert.is_false(rt.spawn(function()
      return m:try_lock()
    end):join())
    guard:unlock()
    assert.same({ true, 2, 3 }, {
      m:try_with(function(value)
        return value, 2, 3
      end),
    })
  end)

  it("locking twice, and unlocking what another task holds, raise", function()
    local m = rt.mutex()
    assert.matches("does not hold the mutex", kit.refused(m.unlock, m))
    m:lock()
    assert.matches("deadlock: this task holds the mutex already", kit.refused(m.lock, m))
    assert.matches("deadlock", kit.refused(m.with, m, print))
    for _, spawner in ipairs(spawners) do
      local task = spawner[2](function()
        return m:unlock()
      end)
      assert.matches("does not hold the mutex", kit.refused(task.join, task))
    end
    m:unlock()
  end)

  it("a lock whose guard is not kept is still held after a collection", function()
    local m = rt.mutex()
    m:lock()
    collectgarbage()
    collectgarbage()
    assert.is_false(m:try_lock())
    m:unlock()
  end)

  it("travels: another reference to the same mutex, equal to it", function()
    local m = rt.mutex(1)
    local same, other = rt.spawn(function()
      m:with(function(value)
        return value + 1
      end)
      return m, rt.mutex()
    end):join()
    assert.equal(m, same)
    assert.is_false(m == other)
    assert.equal(2, same:lock():get())
    m:unlock()
  end)

  for _, spawner in ipairs(spawners) do
    it("a task that dies with the lock gives it back: " .. spawner[1], function()
      local m = rt.mutex("kept")
      for _, how in ipairs { "error", "return", "cancel", "generator" } do
        local task = spawner[2](function()
          m:lock()
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
          assert.is_false(m:try_lock())
          task:cancel()
        end
        pcall(task.join, task)
        assert.equal("kept", assert(m:try_lock(), how):get()) -- as soon as it is joined
        m:unlock()
      end
    end)
  end

  it("G19 is handed on in the order in which they came, nobody gets in between", function()
    local m, log, tasks = rt.mutex(), {}, {}
    m:lock()
    for i = 1, 20 do
      tasks[i] = rt.spawn_local(function()
        m:with(function()
          log[#log + 1] = i
          rt.yield()
        end)
      end)
      rt.yield()
    end
    m:unlock()
    assert.is_false(m:try_lock()) -- it is the first one's already
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
      m:lock()
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
      m:unlock()
      assert.equal("got it", second:join())
      assert.matches("cancelled", kit.refused(first.join, first))
    end)
  end

  it("G9 what comes first counts: the lock, or the cancel", function()
    for order, expected in pairs { ["unlock first"] = "rt.guard (locked)", ["cancel first"] = false } do
      local m, had = rt.mutex(), false
      m:lock()
      local first = rt.spawn_local(function()
        local guard <close> = m:lock()
        had = tostring(guard)
        rt.sleep(0)
      end)
      rt.yield()
      rt.yield()
      if order == "unlock first" then
        m:unlock()
        first:cancel()
      else
        first:cancel()
        m:unlock()
      end
      assert.matches("cancelled", kit.refused(first.join, first))
      assert.equal(expected, had)
      assert.equal("rt.mutex (unlocked)", tostring(m))
    end
  end)

  it("G8 a timeout leaves the queue", function()
    local m = rt.mutex()
    m:lock()
    assert.same({ nil, "timeout" }, { rt.spawn_local(rt.timeout, 0.002, m.lock, m):join() })
    m:unlock()
    assert.equal("rt.mutex (unlocked)", tostring(m))
  end)

  it("G4 8 tasks count to 80,000 and miss nothing", function()
    on_workers([[
      local m, tasks, each = rt.mutex(0), {}, 10000 * SCALE // 1
      for i = 1, 8 do
        local spawn = i == 1 and rt.spawn_local or i == 2 and rt.spawn_blocking or rt.spawn
        tasks[i] = spawn(function()
          for _ = 1, each do
            m:with(function(n) return n + 1 end)
          end
        end)
      end
      for i = 1, 8 do tasks[i]:join() end
      local n = m:lock():get()
      print(n == 8 * each and "right" or n)
    ]])
  end)

  it("G8 timeouts and cancels race with the hand-off: what returned has happened", function()
    on_workers([[
      local m, done, tasks = rt.mutex(0), rt.mutex(0), {}
      local function inc(n) return n + 1, "did" end
      local function many(times, seed)
        math.randomseed(seed)
        local did = 0
        for i = 1, times do
          local got = rt.timeout(math.random() * 0.0004, m.with, m, inc)
          if got == "did" then did = did + 1 end
          if math.random(4) == 1 then
            local guard <close> = m:lock()
            if math.random(2) == 1 then rt.sleep(math.random() * 0.001) end
          end
        end
        return did
      end
      for i = 1, 8 do
        tasks[i] = (i % 4 == 0 and rt.spawn_local or rt.spawn)(many, 300 * SCALE // 1, SEED + i)
      end
      -- and some that are cancelled, with the lock or without it
      for i = 1, 300 * SCALE do
        local victim = (i % 2 == 0 and rt.spawn_local or rt.spawn)(function()
          while true do
            m:lock()
            rt.yield()
            m:unlock()
          end
        end)
        rt.sleep(math.random() * 0.001)
        victim:cancel()
        if math.random(2) == 1 then pcall(victim.join, victim) end
      end
      local sum = 0
      for i = 1, 8 do sum = sum + tasks[i]:join() end
      local guard <close> = m:lock()
      print(sum == guard:get() and "right" or sum .. " ~= " .. guard:get())
    ]])
  end)

  --- Every successful operation sees the number of those before it. They can have happened in
  --- that order if none of them had ended before one that comes earlier had begun. An attempt
  --- may fail only if somebody else may have had the lock meanwhile.
  it("random programs are linearizable", function()
    on_workers([[
      local now = rt.now
      local function program(m, seed, steps)
        math.randomseed(seed)
        local history, failed = {}, {}
        local function take(n) return n + 1, n end
        for _ = 1, steps do
          local from, n = now(), nil
          local what = math.random(6)
          if what <= 2 then
            n = m:with(take)
          elseif what == 3 then
            n = select(2, m:try_with(take))
          elseif what == 4 then
            local guard <close> = m:lock()
            n = guard:get()
            if math.random(3) == 1 then rt.yield() end
            guard:set(n + 1)
          elseif what == 5 then
            local guard = m:try_lock()
            if guard then
              n = guard:get()
              guard:set(n + 1)
              guard:unlock()
            end
          else
            local got = rt.timeout(math.random() * 0.0002, m.with, m, take)
            n = math.type(got) and got
            if not n then goto next end
          end
          table.insert(n and history or failed, { from = from, to = now(), n = n })
          ::next::
          if math.random(5) == 1 then rt.yield() end
        end
        return history, failed
      end
      for round = 1, 10 * SCALE + 1 do
        local m, tasks = rt.mutex(0), {}
        for i = 1, 4 do
          tasks[i] = (i == 4 and rt.spawn_local or rt.spawn)(program, m, SEED + round * 8 + i, 300)
        end
        local all, failed = {}, {}
        for i = 1, 4 do
          local h, f = tasks[i]:join()
          table.move(h, 1, #h, #all + 1, all)
          for _, one in ipairs(f) do one.task = i failed[#failed + 1] = one end
        end
        table.sort(all, function(a, b) return a.n < b.n end)
        local latest = 0
        for i, one in ipairs(all) do
          assert(one.n == i - 1, "two saw the same")
          assert(one.to >= latest, "one that had ended comes after one that had not begun")
          latest = math.max(latest, one.from)
        end
        assert(m:lock():get() == #all)
        m:unlock()
        for _, one in ipairs(failed) do
          local excused = false
          for _, other in ipairs(all) do
            excused = excused or (other.from <= one.to and other.to >= one.from)
          end
          assert(excused, "it was free, and could not be had")
        end
      end
      print("right")
    ]])
  end)

  it("the value may be replaced by a module that is loaded to read it", function()
    local hook
    package.preload["sync_spec.module"] = function()
      if hook then
        hook()
      end
      return { f = function() end }
    end
    local module = require("sync_spec.module")
    local m = rt.mutex { module, ("x"):rep(100000) }
    package.loaded["sync_spec.module"] = nil
    local guard <close> = m:lock()
    function hook()
      guard:set { "another" }
    end
    assert.equal(100000, #guard:get()[2])
    assert.same({ "another" }, guard:get())
    package.preload["sync_spec.module"] = nil
    package.loaded["sync_spec.module"] = nil
  end)
end)

describe("rt.semaphore", function()
  it("counts, and acquire waits", function()
    local sem = rt.semaphore(2)
    assert.is_true(sem:acquire())
    assert.is_true(sem:try_acquire())
    assert.is_false(sem:try_acquire())
    assert.equal(0, sem:available())
    local waiter = rt.spawn(function()
      return sem:acquire()
    end)
    local second = rt.spawn_local(sem.acquire, sem)
    becomes(sem, "0 available, 2 waiting")
    sem:release(3)
    assert.is_true(waiter:join())
    assert.is_true(second:join())
    assert.equal(1, #sem)
  end)

  it("release adds permits, by whichever task", function()
    local sem = rt.semaphore(0)
    rt.spawn(function()
      sem:release(5)
    end):join()
    assert.is_true(sem:acquire(5))
    assert.equal(0, #sem)
  end)

  it("G19 a big request at the head is not overtaken", function()
    local sem, log = rt.semaphore(1), {}
    local tasks = {}
    for i, n in ipairs { 3, 1, 2 } do
      tasks[i] = rt.spawn_local(function()
        sem:acquire(n)
        log[#log + 1] = n
      end)
      rt.yield()
    end
    assert.is_false(sem:try_acquire()) -- though there is one
    sem:release()
    settle()
    assert.same({}, log)
    sem:release()
    settle()
    assert.same({ 3 }, log)
    sem:release(3)
    join_all(tasks)
    assert.same({ 3, 1, 2 }, log)
    assert.equal(0, #sem)
  end)

  it("G8 when a big request gives up, those behind it are served", function()
    local sem = rt.semaphore(2)
    local big = rt.spawn_local(sem.acquire, sem, 3)
    rt.yield()
    rt.yield()
    local small = rt.spawn(function()
      return sem:acquire(2)
    end)
    becomes(sem, "2 available, 2 waiting")
    big:cancel()
    assert.is_true(small:join())
    assert.equal("rt.semaphore (0 available, 0 waiting)", tostring(sem))
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, sem.acquire, sem) })
    sem:release(2)
    assert.equal(2, #sem)
  end)

  it("with and permits give back what they took, whatever happens", function()
    local sem = rt.semaphore(2)
    assert.same({ 1, 7 }, { sem:with(function(x)
      return #sem, x
    end, 7) })
    assert.matches("oops", kit.refused(sem.with, sem, error, "oops"))
    assert.equal(2, #sem)
    do
      local permit <close> = sem:permit(2)
      assert.equal("rt.permit (2)", tostring(permit))
      assert.equal(0, #sem)
    end
    assert.equal(2, #sem)
    local permit = sem:permit()
    permit:release()
    assert.matches("has been released", kit.refused(permit.release, permit))
    assert.equal(2, #sem)
    local task = rt.spawn(function()
      local _ <close> = sem:permit()
      rt.sleep(100)
    end)
    becomes(sem, "1 available")
    task:cancel()
    pcall(task.join, task)
    assert.equal(2, #sem)
  end)

  it("a permit that is lost with its holder comes back when it is collected", function()
    local sem = rt.semaphore(1)
    local task = rt.spawn_local(function()
      local _ = { sem:permit() }
      error("lost")
    end)
    pcall(task.join, task)
    collectgarbage()
    collectgarbage()
    assert.equal(1, #sem)
  end)

  it("G8 timeouts and cancels race with releases: no permit is lost or doubled", function()
    on_workers([[
      local sem, tasks = rt.semaphore(3), {}
      local held = rt.mutex(0)
      local function many(times, seed)
        math.randomseed(seed)
        for i = 1, times do
          local n = math.random(3)
          local what = math.random(3)
          if what == 1 then
            if rt.timeout(math.random() * 0.0004, sem.acquire, sem, n) == true then
              rt.yield()
              sem:release(n)
            end
          elseif what == 2 then
            -- (critical: an error that came between the call and the variable would leave the
            -- permit to the garbage collector)
            rt.timeout(math.random() * 0.001, rt.critical, function()
              local _ <close> = sem:permit(n)
              rt.sleep(math.random() * 0.0005)
            end)
          else
            rt.timeout(math.random() * 0.001, sem.with, sem, rt.yield)
          end
        end
      end
      for i = 1, 8 do
        tasks[i] = (i % 4 == 0 and rt.spawn_local or rt.spawn)(many, 300 * SCALE // 1, SEED + i)
      end
      for i = 1, 300 * SCALE do
        local victim = (i % 2 == 0 and rt.spawn_local or rt.spawn)(function()
          rt.critical(function()
            while true do
              local _ <close> = sem:permit(2)
              rt.yield()
            end
          end)
        end)
        rt.sleep(math.random() * 0.001)
        victim:cancel()
        pcall(victim.join, victim)
      end
      for i = 1, 8 do tasks[i]:join() end
      print(tostring(sem) == "rt.semaphore (3 available, 0 waiting)" and "right" or sem)
    ]])
  end)

  it("random programs never have more permits than there are", function()
    on_workers([[
      local now = rt.now
      local function program(sem, seed, steps)
        math.randomseed(seed)
        local history = {}
        for _ = 1, steps do
          local n, got = math.random(4), nil
          local what = math.random(3)
          if what == 1 then
            got = sem:acquire(n)
          elseif what == 2 then
            got = sem:try_acquire(n)
          else
            got = rt.timeout(math.random() * 0.0003, sem.acquire, sem, n)
          end
          if got then
            local from = now()
            if math.random(3) == 1 then rt.yield() end
            history[#history + 1] = { at = from, n = n }
            history[#history + 1] = { at = now(), n = -n }
            sem:release(n)
          end
        end
        return history
      end
      for round = 1, 10 * SCALE + 1 do
        local sem, tasks, events = rt.semaphore(5), {}, {}
        for i = 1, 4 do
          tasks[i] = (i == 4 and rt.spawn_local or rt.spawn)(program, sem, SEED + round * 8 + i, 300)
        end
        for i = 1, 4 do
          local h = tasks[i]:join()
          table.move(h, 1, #h, #events + 1, events)
        end
        table.sort(events, function(a, b)
          if a.at ~= b.at then return a.at < b.at end
          return a.n < b.n
        end)
        local held = 0
        for _, e in ipairs(events) do
          held = held + e.n
          assert(held <= 5, "six have a permit")
        end
        assert(#sem == 5)
      end
      print("right")
    ]])
  end)
end)

describe("rt.notify", function()
  it("wakes one, in order, or remembers it for the next", function()
    local n, log, tasks = rt.notify(), {}, {}
    for i = 1, 3 do
      tasks[i] = rt.spawn_local(function()
        n:wait()
        log[#log + 1] = i
      end)
      rt.yield()
    end
    assert.equal("rt.notify (3 waiting)", tostring(n))
    n:notify_one()
    n:notify_one()
    settle()
    assert.same({ 1, 2 }, log)
    n:notify_one()
    n:notify_one()
    n:notify_one() -- is one with the one before
    join_all(tasks)
    assert.equal("rt.notify (notified)", tostring(n))
    assert.is_true(n:wait())
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, n.wait, n) })
  end)

  it("notify_all wakes those who wait, and is not remembered", function()
    local n, tasks = rt.notify(), {}
    for i = 1, 6 do
      tasks[i] = spawners[i % 3 + 1][2](function()
        return n:wait()
      end)
    end
    kit.wait_for(function()
      return tostring(n) == "rt.notify (6 waiting)"
    end, 5, "them to wait")
    n:notify_all()
    for i = 1, 6 do
      assert.is_true(tasks[i]:join())
    end
    assert.equal("rt.notify (0 waiting)", tostring(n))
  end)

  it("G8 a cancelled waiter takes no notification with it", function()
    on_workers([[
      local n, tasks = rt.notify(), {}
      for i = 1, 300 do
        tasks[i] = (i % 2 == 0 and rt.spawn or rt.spawn_local)(function()
          n:wait()
        end)
      end
      while tostring(n) ~= "rt.notify (300 waiting)" do rt.sleep(0.001) end
      for i = 1, 300 do
        if math.random(3) == 1 then tasks[i]:cancel() end
        if i % 3 == 0 then n:notify_one() end
        if i % 10 == 0 then rt.yield() end
      end
      -- a hundred were notified, and nobody knows which
      local woken = 0
      for i = 1, 300 do tasks[i]:cancel() end
      for i = 1, 300 do
        pcall(tasks[i].join, tasks[i])
        if tasks[i]:status() == "done" then woken = woken + 1 end
      end
      print(woken == 100 and tostring(n) == "rt.notify (0 waiting)" and "right" or woken)
    ]])
  end)
end)

describe("rt.watch", function()
  it("has the latest value, and its watchers see it once", function()
    local w = rt.watch { 1 }
    assert.same({ 1 }, (w:get()))
    local watcher = w:subscribe()
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, watcher.wait, watcher) })
    w:set(2)
    w:set(3, nil, "x")
    assert.equal("rt.watcher (there is a new value)", tostring(watcher))
    assert.same({ n = 3, 3, nil, "x" }, table.pack(watcher:wait()))
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, watcher.wait, watcher) })
    assert.same({ n = 3, 3, nil, "x" }, table.pack(w:get()))
    assert.equal("rt.watch (1 watchers)", tostring(w))
  end)

  it("changed waits for the next one", function()
    local w = rt.watch(1)
    local tasks = {}
    for i, spawner in ipairs(spawners) do
      tasks[i] = spawner[2](function()
        return w:changed()
      end)
    end
    kit.wait_for(function()
      return tostring(w) == "rt.watch (3 watchers)"
    end, 5, "them to wait")
    settle()
    w:set(2)
    for i = 1, 3 do
      assert.equal(2, (tasks[i]:join()))
    end
  end)

  it("after close the last value still arrives, then nil and closed", function()
    local w = rt.watch(1)
    local behind, waiting = w:subscribe(), w:subscribe()
    local task = rt.spawn(function()
      return waiting:wait(), select(2, waiting:wait())
    end)
    settle()
    w:set(2)
    w:close()
    assert.same({ 2, "closed" }, { task:join() })
    assert.equal(2, (behind:wait()))
    assert.same({ nil, "closed" }, { behind:wait() })
    assert.same({ nil, "closed" }, { w:changed() })
    assert.same({ nil, "closed" }, { w:set(3) })
    assert.equal(2, (w:get()))
  end)

  it("a watcher that is closed hears nothing more", function()
    local w = rt.watch(1)
    local watcher = w:subscribe()
    local task = rt.spawn(function()
      return watcher:wait()
    end)
    settle()
    watcher:close()
    assert.same({ nil, "closed" }, { task:join() })
    w:set(2)
    assert.same({ nil, "closed" }, { watcher:wait() })
    assert.equal("rt.watch (0 watchers)", tostring(w))
  end)

  it("G8 everyone sees the last of many values, and none goes back", function()
    on_workers([[
      local w, tasks, last = rt.watch(0), {}, 3000 * SCALE // 1
      for i = 1, 6 do
        local watcher = w:subscribe()
        tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
          local seen, times = 0, 0
          while seen < last do
            local v = rt.timeout(0.0005, watcher.wait, watcher)
            if v then
              assert(v > seen)
              seen, times = v, times + 1
            end
          end
          return times
        end)
      end
      for i = 1, last do
        w:set(i)
        if i % 16 == 0 then rt.yield() end
      end
      for i = 1, 6 do assert(tasks[i]:join() >= 1) end
      print("right")
    ]])
  end)
end)

describe("rt.broadcast", function()
  it("every subscriber gets what was sent since it subscribed", function()
    local b = rt.broadcast(8)
    b:send("nobody hears this")
    local first = b:subscribe()
    b:send(1, nil, "x")
    local second = b:subscribe()
    b:send { 2 }
    assert.same({ n = 3, 1, nil, "x" }, table.pack(first:recv()))
    assert.same({ 2 }, (first:recv()))
    assert.same({ 2 }, (second:try_recv()))
    assert.same({ nil, "empty" }, { second:try_recv() })
    assert.equal("rt.broadcast (3 of 8, 2 subscribers)", tostring(b))
    assert.equal("rt.subscriber (0 behind)", tostring(first))
  end)

  it("one that lags is told once how much it lost, and goes on with the oldest", function()
    local b = rt.broadcast(3)
    local s = b:subscribe()
    for i = 1, 10 do
      b:send(i)
    end
    assert.same({ nil, "lagged", 7 }, { s:recv() })
    assert.equal(8, (s:recv()))
    assert.equal(9, (s:recv()))
    assert.equal(10, (s:recv()))
    assert.same({ nil, "empty" }, { s:try_recv() })
  end)

  it("after close what is kept still arrives, then nil and closed", function()
    local b = rt.broadcast(3)
    local s, waiting = b:subscribe(), b:subscribe()
    local task = rt.spawn(function()
      return waiting:recv(), select(2, waiting:recv())
    end)
    settle()
    b:send(1)
    settle()
    b:close()
    assert.same({ 1, "closed" }, { task:join() })
    assert.equal(1, (s:recv()))
    assert.same({ nil, "closed" }, { s:recv() })
    assert.same({ nil, "closed" }, { b:send(2) })
    local late = b:subscribe()
    assert.same({ nil, "closed" }, { late:recv() })
  end)

  it("G19 tasks that share a subscriber share its messages, in order", function()
    local b, log, tasks = rt.broadcast(4), {}, {}
    local s = b:subscribe()
    for i = 1, 4 do
      tasks[i] = rt.spawn_local(function()
        local v = s:recv()
        log[#log + 1] = i .. ":" .. v
      end)
      rt.yield()
    end
    for i = 1, 4 do
      b:send(i)
    end
    join_all(tasks)
    assert.same({ "1:1", "2:2", "3:3", "4:4" }, log)
  end)

  it("G8 timeouts race with messages: every subscriber gets every one, in order", function()
    on_workers([[
      local n = 2000 * SCALE // 1
      local b, tasks, ready = rt.broadcast(n), {}, rt.semaphore(0)
      for i = 1, 6 do
        tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
          local s, last = b:subscribe(), 0
          ready:release()
          while true do
            local v, why = rt.timeout(0.0003, s.recv, s)
            if v then
              assert(v == last + 1, "lost or doubled")
              last = v
            elseif why ~= "timeout" then
              assert(why == "closed", why)
              return last
            end
          end
        end)
      end
      ready:acquire(6)
      for i = 1, n do
        b:send(i)
        if i % 16 == 0 then rt.yield() end
      end
      b:close()
      for i = 1, 6 do assert(tasks[i]:join() == n) end
      print("right")
    ]])
  end)

  it("G8 what a lagging subscriber got and lost is what was sent", function()
    on_workers([[
      local n = 20000 * SCALE // 1
      local b, tasks, ready = rt.broadcast(7), {}, rt.semaphore(0)
      for i = 1, 4 do
        tasks[i] = rt.spawn(function()
          local s, last = b:subscribe(), 0
          ready:release()
          while true do
            local v, why, lost = s:recv()
            if v then
              assert(v == last + 1, "lost without a word")
              last = v
            elseif why == "lagged" then
              last = last + lost
            else
              return last
            end
          end
        end)
      end
      ready:acquire(4)
      for i = 1, n do b:send(i) end
      b:close()
      for i = 1, 4 do assert(tasks[i]:join() == n) end
      print("right")
    ]])
  end)
end)

describe("rt.barrier", function()
  it("lets them go when all have come, one of them as the leader, round after round", function()
    on_workers([[
      local b, tasks, rounds = rt.barrier(5), {}, 100
      local here = rt.mutex(0)
      for i = 1, 5 do
        tasks[i] = (i == 5 and rt.spawn_local or rt.spawn)(function()
          local led = 0
          for round = 1, rounds do
            here:with(function(n) return n + 1 end)
            if b:wait() then led = led + 1 end
            here:with(function(n) assert(n == 5 * round, "somebody went too early") end)
            b:wait()
          end
          return led
        end)
      end
      local led = 0
      for i = 1, 5 do led = led + tasks[i]:join() end
      print(led == rounds and "right" or led)
    ]])
  end)

  it("of one waits for nobody", function()
    assert.is_true(rt.barrier(1):wait())
  end)

  for _, spawner in ipairs(spawners) do
    it("G8 one that is cancelled has not come: " .. spawner[1], function()
      local b = rt.barrier(3)
      local gone, first =
        spawner[2](function()
          return b:wait()
        end), spawner[2](function()
          return b:wait()
        end)
      becomes(b, "2 of 3 waiting")
      gone:cancel()
      becomes(b, "1 of 3 waiting")
      assert.same({ nil, "timeout" }, { rt.timeout(0.002, b.wait, b) })
      local second = spawner[2](function()
        return b:wait()
      end)
      becomes(b, "2 of 3 waiting")
      assert.is_true(b:wait())
      assert.is_false(first:join())
      assert.is_false(second:join())
    end)
  end
end)

describe("rt.once", function()
  it("runs the function once, and everybody gets its results", function()
    on_workers([[
      local once, ran, tasks = rt.once(), rt.mutex(0), {}
      for i = 1, 12 do
        tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
          return once:get(function(x)
            ran:with(function(n) return n + 1 end)
            rt.sleep(0.005)
            return { x }, nil, "last"
          end, "given")
        end)
      end
      for i = 1, 12 do
        local t, none, last = tasks[i]:join()
        assert(t[1] == "given" and none == nil and last == "last")
      end
      assert(tostring(once) == "rt.once (done)")
      assert(select("#", once:get(error)) == 3)
      print(ran:lock():get() == 1 and "right" or "more than once")
    ]])
  end)

  it("an error is the runner's, and the next caller tries again", function()
    local once = rt.once()
    local function get_in_pool(f)
      return rt.spawn(function()
        return once:get(f)
      end)
    end
    local gate = rt.semaphore(0)
    local first = get_in_pool(function()
      gate:acquire()
      error("not yet")
    end)
    becomes(once, "running, 0 waiting")
    rt.spawn_local(function()
      becomes(once, "running, 1 waiting")
      gate:release()
    end)
    assert.equal(
      "now",
      once:get(function()
        return "now"
      end)
    )
    assert.matches("not yet", kit.refused(first.join, first))
    assert.equal("now", get_in_pool(error):join())
  end)

  it("G8 a cancelled runner, and a cancelled waiter, leave it to the others", function()
    local once = rt.once()
    local function get_in_pool(f)
      return rt.spawn(function()
        return once:get(f)
      end)
    end
    local runner = get_in_pool(function()
      rt.sleep(100)
    end)
    becomes(once, "running, 0 waiting")
    local waiter = get_in_pool(error)
    becomes(once, "running, 1 waiting")
    local heir = rt.spawn_local(once.get, once, function()
      return "heir"
    end)
    becomes(once, "running, 2 waiting")
    waiter:cancel()
    becomes(once, "running, 1 waiting")
    runner:cancel()
    assert.equal("heir", heir:join())
    assert.matches("cancelled", kit.refused(waiter.join, waiter))
  end)

  it("its function cannot wait for itself", function()
    local once = rt.once()
    assert.matches(
      "deadlock",
      kit.refused(once.get, once, function()
        return once:get(print)
      end)
    )
    assert.equal("rt.once (not done)", tostring(once))
    assert.equal(0, select("#", once:get(function() end)))
    assert.equal("rt.once (done)", tostring(once))
  end)
end)

describe("shared objects", function()
  local objects = {
    mutex = rt.mutex(),
    semaphore = rt.semaphore(1),
    notify = rt.notify(),
    barrier = rt.barrier(1),
    once = rt.once(),
    watch = rt.watch(),
    broadcast = rt.broadcast(1),
    watcher = rt.watch():subscribe(),
    subscriber = rt.broadcast(1):subscribe(),
  }

  it("travel, are equal to themselves alone, and have a name", function()
    for name, object in pairs(objects) do
      assert.equal("rt." .. name, getmetatable(object).__name)
      assert.matches("^rt." .. name .. " %(", tostring(object))
      local list = rt.spawn(function()
        return { object, object }
      end):join()
      assert.is_true(list[1] == object and rawequal(list[1], list[2]))
      for other, value in pairs(objects) do
        assert.equal(name == other, object == value)
      end
    end
    assert.is_false(objects.mutex == io.stdout)
  end)

  it("refuse what is not theirs", function()
    for name, object in pairs(objects) do
      for method, f in pairs(getmetatable(object).__index) do
        for _, wrong in ipairs { 1, {}, io.stdout, rt.channel() } do
          assert.matches("rt." .. name .. " expected", kit.refused(f, wrong), nil, nil, method)
        end
      end
    end
  end)

  it("what several may read cannot be what only one can have", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local once, why = rt.once(), "a thing that only one task can have"
    assert.matches(why, kit.refused(rt.mutex, listener))
    assert.matches(why, kit.refused(rt.watch, { listener }))
    assert.matches(why, kit.refused(objects.broadcast.send, objects.broadcast, listener))
    assert.matches(
      why,
      kit.refused(once.get, once, function()
        return listener
      end)
    )
    assert.is_true(listener:sock() ~= nil)
  end)

  it("guards and permits stay where they are", function()
    local m, sem = rt.mutex(), rt.semaphore(1)
    local guard <close> = m:lock()
    local permit <close> = sem:permit()
    assert.matches("userdata rt.guard", kit.refused(rt.spawn, print, guard))
    assert.matches("userdata rt.permit", kit.refused(rt.spawn, print, permit))
  end)

  it("misuse raises", function()
    assert.matches("cannot send value 1", kit.refused(rt.mutex, io.tmpfile()))
    assert.matches("number expected", kit.refused(rt.semaphore))
    assert.matches("from 0 to 2%^53", kit.refused(rt.semaphore, -1))
    assert.matches("from 1 to", kit.refused(objects.semaphore.acquire, objects.semaphore, 0))
    assert.matches("from 1 to", kit.refused(objects.semaphore.release, objects.semaphore, -1))
    assert.matches("from 1 to", kit.refused(rt.barrier, 0))
    assert.matches("from 1 to", kit.refused(rt.broadcast, 0))
    assert.matches("function expected", kit.refused(objects.mutex.with, objects.mutex, 1))
    assert.matches("function expected", kit.refused(objects.once.get, objects.once))
    local full = rt.semaphore(1 << 53)
    assert.matches("too many permits", kit.refused(full.release, full))
  end)

  it("cannot wait where nothing can, and then have not begun to", function()
    local m = rt.mutex()
    m:lock()
    local task = rt.spawn_local(function()
      table.sort({ 1, 2 }, function()
        m:lock()
      end)
    end)
    assert.matches("cannot wait here: 'table.sort'", kit.refused(task.join, task))
    m:unlock()
    assert.equal("rt.mutex (unlocked)", tostring(m))
  end)

  it("G24 a program ends while tasks wait for what nobody gives them", function()
    for _, wait in ipairs {
      "local m = rt.mutex() m:lock() rt.spawn_local(m.lock, m) rt.spawn(function() return m:lock() end)",
      "for _, s in ipairs { rt.spawn, rt.spawn_local } do s(function() rt.mutex():with(function() rt.sleep(99) end) end) end",
      "for _, s in ipairs { rt.spawn, rt.spawn_local } do s(function() rt.barrier(2):wait() end) end",
      "for _, s in ipairs { rt.spawn, rt.spawn_local } do s(function() rt.semaphore(0):acquire() end) end",
      "for _, s in ipairs { rt.spawn, rt.spawn_local } do s(function() rt.watch(0):changed() end) end",
    } do
      local code, out, err =
        kit.run("local rt = require 'rt' " .. wait .. " rt.sleep(0.05) print 'end'")
      assert.same({ 0, "end\n", "" }, { code, out, err })
    end
  end)

  it("G24 so does one whose tasks do not unwind, and wait under a shield for ever", function()
    local code, out, err = kit.run(
      [[
      local rt = require 'rt'
      for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
        spawn(function() rt.shield(function() rt.channel(0):recv() end) end)
        spawn(function() rt.shield(function() rt.semaphore(0):acquire() end) end)
        spawn(function() rt.shield(function() rt.barrier(2):wait() end) end)
        spawn(function() rt.shield(function() rt.broadcast(2):subscribe():recv() end) end)
        local m = rt.mutex()
        spawn(function() rt.shield(function() m:lock() rt.sleep(99) end) end)
        spawn(function() rt.shield(function() m:lock() end) end)
      end
      rt.sleep(0.1)
      print 'end'
    ]],
      nil,
      30
    )
    assert.same({ 0, "end\n" }, { code, out }, err)
  end)
end)

describe("rt.select", function()
  it("G11 takes exactly one of: a permit, a notification, a new value, a message", function()
    local sem, n, w, b = rt.semaphore(0), rt.notify(), rt.watch(0), rt.broadcast(4)
    local watcher, s = w:subscribe(), b:subscribe()
    local function choose()
      return rt.select(
        sem:acquire_op(2),
        n:wait_op(),
        watcher:wait_op(),
        s:recv_op(),
        rt.sleep_op(10)
      )
    end
    local acts = {
      function()
        sem:release(2)
      end,
      function()
        n:notify_one()
      end,
      function()
        w:set("value")
      end,
      function()
        b:send("message", 2)
      end,
    }
    local expected = { { 1, true }, { 2, true }, { 3, "value" }, { 4, "message", 2 } }
    for _, late in ipairs { false, true } do
      for i, act in ipairs(acts) do
        if late then
          rt.spawn_local(function()
            rt.yield()
            act()
          end)
        else
          act()
        end
        assert.same(expected[i], { choose() })
      end
    end
    assert.equal("rt.semaphore (0 available, 0 waiting)", tostring(sem))
    assert.equal("rt.notify (0 waiting)", tostring(n))
    w:close()
    assert.same({ 1, nil, "closed" }, { rt.select(watcher:wait_op()) })
    b:close()
    assert.same({ 1, nil, "closed" }, { rt.select(s:recv_op()) })
  end)

  it("G19 a select that chose something else is not in the way of those behind it", function()
    local sem, n = rt.semaphore(1), rt.notify()
    local chooser = rt.spawn_local(function()
      return rt.select(sem:acquire_op(2), n:wait_op())
    end)
    rt.yield()
    rt.yield()
    local small = rt.spawn_local(sem.acquire, sem, 1)
    settle()
    assert.equal("rt.semaphore (1 available, 2 waiting)", tostring(sem))
    n:notify_one()
    assert.is_true(small:join())
    assert.equal(2, (chooser:join()))
    assert.equal("rt.semaphore (0 available, 0 waiting)", tostring(sem))
  end)

  it("G11 permits of two semaphores, chosen by many: none is lost or doubled", function()
    on_workers([[
      local a, b, tasks = rt.semaphore(1), rt.semaphore(2), {}
      for i = 1, 6 do
        tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
          math.randomseed(SEED + i)
          for _ = 1, 500 * SCALE do
            local n = math.random(2)
            local which = rt.select(
              a:acquire_op(), b:acquire_op(n), rt.sleep_op(math.random() * 0.001)
            )
            if math.random(2) == 1 then rt.yield() end
            if which == 1 then a:release() elseif which == 2 then b:release(n) end
          end
        end)
      end
      for i = 1, 6 do tasks[i]:join() end
      local said = tostring(a) .. tostring(b)
      print(said == "rt.semaphore (1 available, 0 waiting)rt.semaphore (2 available, 0 waiting)"
        and "right" or said)
    ]])
  end)

  it("G11 locks of two mutexes, chosen by many: nobody has what another has, or both", function()
    on_workers([[
      local a, b, tasks = rt.mutex(0), rt.mutex(0), {}
      for i = 1, 6 do
        tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
          math.randomseed(SEED + i)
          local got = 0
          for _ = 1, 500 * SCALE do
            local which, guard = rt.select(
              a:lock_op(), b:lock_op(), rt.sleep_op(math.random() * 0.0005)
            )
            if which < 3 then
              local n = guard:get()
              if math.random(2) == 1 then rt.yield() end
              guard:set(n + 1)
              got = got + 1
              local other = (which == 1 and b or a):try_lock()
              if other then other:unlock() end
              if math.random(2) == 1 then guard:unlock() else (which == 1 and a or b):unlock() end
            end
          end
          return got
        end)
      end
      local sum = 0
      for i = 1, 6 do sum = sum + tasks[i]:join() end
      local said = tostring(a) .. tostring(b)
      local counted = a:lock():get() + b:lock():get()
      print(counted == sum and said == "rt.mutex (unlocked)rt.mutex (unlocked)" and "right"
        or said .. counted .. " ~= " .. sum)
    ]])
  end)

  it(
    "G8 G11 permits, locks and messages by select, with cancels and timeouts: none is lost",
    function()
      on_workers([[
      local sem, m, ch, tasks = rt.semaphore(3), rt.mutex(0), rt.channel(2), {}
      local function work(seed)
        math.randomseed(seed)
        local locked, sent, got = 0, 0, 0
        local function once()
          local n = math.random(3)
          local which, v = rt.select(
            sem:acquire_op(n), m:lock_op(), ch:recv_op(), ch:send_op(n), rt.sleep_op(0.001)
          )
          -- what has been done counts, even when the task is told to end meanwhile
          if which == 1 then
            sem:release(n)
          elseif which == 2 then
            v:set(v:get() + 1)
            v:unlock()
            locked = locked + 1
          elseif which == 3 then
            got = got + v
          elseif which == 4 then
            sent = sent + n
          end
        end
        for _ = 1, 300 * SCALE do
          if math.random(3) == 1 then
            rt.timeout(math.random() * 0.0003, once)
          else
            once()
          end
        end
        return locked, sent, got
      end
      for i = 1, 6 do
        tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(rt.critical, work, SEED + i)
      end
      local locked, sent, got = 0, 0, 0
      for i = 1, 6 do
        local l, s, g = tasks[i]:join()
        locked, sent, got = locked + l, sent + s, got + g
      end
      for _ = 1, #ch do got = got + ch:recv() end
      local said = tostring(sem) .. tostring(m) .. m:lock():get() - locked .. sent - got
      print(said == "rt.semaphore (3 available, 0 waiting)rt.mutex (unlocked)00" and "right" or said)
    ]])
    end
  )
end)
