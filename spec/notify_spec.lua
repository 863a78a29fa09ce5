--- rt.notify: one task wakes another.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local join_all, settle, spawners = task_kit.join_all, task_kit.settle, task_kit.spawners

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
    n:notify_one() -- counts as one with the notification before
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
    kit.on_workers(kit.program("cancelled_waiters"))
  end)
end)
