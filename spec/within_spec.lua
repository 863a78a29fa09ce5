--- rt.within: a timeout whose first result says whether the function has ended in time.
local kit = require("kit")
local rt = require("rt")

local function forever()
  rt.sleep(3600)
end

describe("rt.within", function()
  it("G10 returns true and the results of what ends in time, whatever they are", function()
    assert.same({ true }, { rt.within(60, function() end) })
    local results = table.pack(rt.within(60, function(...)
      return ...
    end, nil, 2, nil))
    assert.same({ true, nil, 2, nil, n = 4 }, results)
    assert.same(
      { true, false, "timeout" },
      { rt.within(60, function()
        return false, "timeout"
      end) }
    )
  end)

  it("G10 tells an inner timeout from its own", function()
    local function inner()
      return rt.timeout(0.01, forever)
    end
    assert.same({ true, nil, "timeout" }, { rt.within(60, inner) })
    assert.same({ true, false, "timeout" }, { rt.within(60, rt.within, 0.01, forever) })
    assert.same({ false, "timeout" }, { rt.within(0.01, rt.within, 60, forever) })
    assert.same({ false, "timeout" }, { rt.within(0.01, rt.timeout, 60, forever) })
    assert.same({ nil, "timeout" }, { rt.timeout(0.01, rt.within, 60, forever) })
  end)

  it("G10 returns what is ready, for any number of seconds", function()
    for _, seconds in ipairs { 0, -1, math.huge } do
      assert.same({ true, 1 }, { rt.within(seconds, function()
        return 1
      end) })
    end
    assert.same({ false, "timeout" }, { rt.within(0, rt.sleep, 10) })
  end)

  it("G10 ends code that never waits, and waits for its cleanup", function()
    local code, out, err = kit.run(kit.program("computes"), "", 30)
    assert.same({ 0, "false timeout\ncleaned up\n", "" }, { code, out, err })
  end)

  it("raises the errors of the function, with the traceback of their origin", function()
    local err = {}
    local ok, raised = pcall(rt.within, 60, error, err)
    assert.is_false(ok)
    assert.equal(err, raised)
    local function broken()
      error("broken")
    end
    local _, trace = xpcall(rt.within, rt.traceback, 60, broken)
    assert.matches(
      "in upvalue 'broken'\n",
      (trace:gsub("in function <[^>]*>", "in upvalue 'broken'"))
    )
  end)

  it("G7 raises if its task is cancelled", function()
    local task = rt.spawn_local(function()
      return rt.within(60, forever)
    end)
    rt.yield()
    task:cancel("not needed")
    local ok, err = pcall(task.join, task)
    assert.is_false(ok)
    assert.equal(rt.Cancelled, getmetatable(err))
    assert.equal("not needed", err.reason)
  end)

  it("works in coroutines, and is no place to yield to others", function()
    assert.same({ true, 2 }, { coroutine.wrap(rt.within)(60, select, 2, 1, 2) })
    assert.same({ false, "timeout" }, { coroutine.wrap(rt.within)(0.01, forever) })
    local ok, message = pcall(coroutine.wrap(rt.within), 60, coroutine.yield, 1)
    assert.is_false(ok)
    assert.matches("attempt to yield out of a timeout", message)
  end)

  it("refuses wrong arguments", function()
    assert.matches(
      "bad argument #1 to 'rt.within' %(number expected",
      kit.refused(rt.within, "x", print)
    )
    assert.matches("bad argument #1 to 'rt.within' .*NaN", kit.refused(rt.within, 0 / 0, print))
    assert.matches(
      "bad argument #2 to 'rt.within' %(function expected, got no value",
      kit.refused(rt.within, 1)
    )
  end)
end)
