--- What all objects have in common that tasks of any worker share: sending them, and errors of
--- misuse.
local kit = require("kit")
local rt = require("rt")

describe("shared objects", function()
  local objects = {
    mutex = rt.mutex(),
    semaphore = rt.semaphore(1),
    limiter = rt.limiter { rate = 1 },
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
    for _, full in ipairs { rt.semaphore(1 << 53), rt.semaphore(3), rt.semaphore(1, 1) } do
      assert.matches(
        "too many permits: the semaphore has %d+ at most",
        kit.refused(full.release, full)
      )
    end
    assert.matches("a size of at least 1, and", kit.refused(rt.semaphore, 0, 0))
    assert.matches("bad argument #2 to .*semaphore' %(a size of", kit.refused(rt.semaphore, 2, 1))
    assert.matches("a size of", kit.refused(rt.semaphore, 2, (1 << 53) + 1))
    assert.matches("no integer representation", kit.refused(rt.semaphore, 2, 2.5))
    assert.matches("number expected, got string", kit.refused(rt.semaphore, 2, "many"))
  end)

  it("try_… returns nil and the reason when there is nothing", function()
    local m, sem, limiter = rt.mutex(1), rt.semaphore(1), rt.limiter { rate = 1e-6 }
    local ch, full, closed = rt.channel(1), rt.channel(0), rt.channel(1)
    local news, config = rt.broadcast(1), rt.watch(1)
    local subscriber, watcher = news:subscribe(), config:subscribe()
    local late_subscriber, late_watcher = news:subscribe(), config:subscribe()
    local guard <close> = m:lock()
    sem:acquire()
    limiter:acquire()
    closed:close()
    late_subscriber:close()
    late_watcher:close()
    local function f()
      error("was called")
    end
    local lagging = rt.broadcast(1)
    local behind = lagging:subscribe()
    for i = 1, 3 do
      lagging:send(i)
    end
    for _, case in ipairs {
      { m, "try_lock", "locked" },
      { m, "try_with", "locked", f },
      { m, "try_update", "locked", f },
      { sem, "try_acquire", "no permits" },
      { limiter, "try_acquire", "no tokens" },
      { ch, "try_recv", "empty" },
      { closed, "try_recv", "closed" },
      { full, "try_send", "full", 1 },
      { closed, "try_send", "closed", 1 },
      { subscriber, "try_recv", "empty" },
      { late_subscriber, "try_recv", "closed" },
      { behind, "try_recv", "lagged" },
      { watcher, "try_recv", "empty" },
      { late_watcher, "try_recv", "closed" },
    } do
      local object, method, why, argument = table.unpack(case, 1, 4)
      local results = { object[method](object, argument) }
      assert.same({ nil, why }, { results[1], results[2] }, tostring(object) .. ":" .. method)
    end
  end)

  it("cannot wait where nothing can, and then have not begun to", function()
    local m = rt.mutex()
    local guard = m:lock()
    local task = rt.spawn_local(function()
      table.sort({ 1, 2 }, function()
        m:lock()
      end)
    end)
    assert.matches("cannot wait here: 'table.sort'", kit.refused(task.join, task))
    guard:unlock()
    assert.equal("rt.mutex (unlocked)", tostring(m))
  end)

  it("G24 a program ends while tasks wait for what nobody gives them", function()
    for _, wait in ipairs {
      "local m = rt.mutex() local _ = m:lock() rt.spawn_local(m.lock, m) rt.spawn(function() return m:lock() end)",
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
    local code, out, err = kit.run(kit.program("shielded_waits"), nil, 30)
    assert.same({ 0, "end\n" }, { code, out }, err)
  end)
end)
