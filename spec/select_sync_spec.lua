--- rt.select over what tasks share: permits, locks, notifications, values and messages.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local settle = task_kit.settle

describe("rt.select", function()
  it("G11 takes exactly one of: a permit, a notification, a new value, a message", function()
    local sem, n, w, b = rt.semaphore(0), rt.notify(), rt.watch(0), rt.broadcast(4)
    local watcher, s = w:subscribe(), b:subscribe()
    local function choose()
      return rt.select(
        sem:acquire_op(2),
        n:wait_op(),
        watcher:recv_op(),
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
    assert.same({ 1, nil, "closed" }, { rt.select(watcher:recv_op()) })
    b:close()
    assert.same({ 1, nil, "closed" }, { rt.select(s:recv_op()) })
  end)

  it("G19 a select that chose something else is not in the way of those behind it", function()
    local sem, n = rt.semaphore(1, 2), rt.notify()
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
    kit.on_workers(kit.program("permits_of_two_semaphores"))
  end)

  it("G11 locks of two mutexes, chosen by many: nobody has what another has, or both", function()
    kit.on_workers(kit.program("locks_of_two_mutexes"))
  end)

  it(
    "G8 G11 permits, locks and messages by select, with cancels and timeouts: none is lost",
    function()
      kit.on_workers(kit.program("permits_locks_messages"))
    end
  )
end)
