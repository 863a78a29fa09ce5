--- rt.semaphore: permits.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local becomes, join_all, settle = task_kit.becomes, task_kit.join_all, task_kit.settle

describe("rt.semaphore", function()
  it("counts, and acquire waits", function()
    local sem = rt.semaphore(2, 3)
    assert.is_true(sem:acquire())
    assert.is_true(sem:try_acquire())
    assert.is_nil((sem:try_acquire()))
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

  it("release beyond its size raises, and adds none", function()
    for _, sem in ipairs { rt.semaphore(2), rt.semaphore(1, 2), rt.semaphore(0, 2) } do
      local missing = 2 - #sem
      assert.matches(
        "too many permits: the semaphore has 2 at most",
        kit.refused(sem.release, sem, missing + 1)
      )
      assert.equal(2 - missing, #sem)
      if missing > 0 then
        sem:release(missing)
      end
      assert.is_false((pcall(sem.release, sem)))
      sem:acquire(2)
      sem:release(2)
      assert.equal(2, #sem)
    end
    for _, sem in ipairs { rt.semaphore(0), rt.semaphore(1, math.huge) } do
      sem:release(1000)
      assert.is_true(#sem >= 1000)
    end
  end)

  it("a permit that is given back twice, by hand too, adds none beyond the size", function()
    local sem = rt.semaphore(1)
    local permit = sem:permit()
    sem:release() -- instead of permit:release()
    permit:release()
    assert.equal(1, #sem)
  end)

  it("G19 a big request at the head is not overtaken", function()
    local sem, log = rt.semaphore(1, 5), {}
    local tasks = {}
    for i, n in ipairs { 3, 1, 2 } do
      tasks[i] = rt.spawn_local(function()
        sem:acquire(n)
        log[#log + 1] = n
      end)
      rt.yield()
    end
    assert.is_nil((sem:try_acquire())) -- though a permit is free: a task waits for two
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
    kit.on_workers(kit.program("timeouts_and_cancels"))
  end)

  it("random programs never have more permits than there are", function()
    kit.on_workers(kit.program("permits_held"))
  end)
end)
