--- rt.once: a function that runs once.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local becomes = task_kit.becomes

describe("rt.once", function()
  it("runs the function once, and everybody gets its results", function()
    kit.on_workers(kit.program("many_callers"))
  end)

  it("an error leaves it to the same task, too", function()
    local once = rt.once()
    assert.matches("not yet", kit.refused(once.get, once, error, "not yet"))
    assert.equal("rt.once (not done)", tostring(once))
    assert.equal(
      1,
      once:get(function()
        return 1
      end)
    )
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
