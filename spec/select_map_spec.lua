--- op:map: an operation for rt.select with what to do with its results.
local kit = require("kit")
local rt = require("rt")

local function concat(...)
  return table.concat({ ... }, "+"), select("#", ...)
end

describe("op:map", function()
  it("has rt.select return the position and what the function returns", function()
    local a, b = rt.channel(1), rt.channel(1)
    local op = b:recv_op():map(concat)
    b:send("x", "y")
    assert.same({ 2, "x+y", 2 }, { rt.select(a:recv_op(), op) }) -- at once
    local sender = rt.spawn_local(b.send, b, "z")
    assert.same({ 2, "z", 1 }, { rt.select(a:recv_op(), op) }) -- after a wait
    sender:join()
    assert.same({ 1 }, { rt.select_biased(rt.sleep_op(0):map(function() end), a:recv_op()) })
    assert.same({ 2, "", 0 }, { rt.select(a:recv_op(), rt.default_op():map(concat)) })
  end)

  it("leaves the operation as it was, and the others alone", function()
    local a, b = rt.channel(2), rt.channel(2)
    local plain = a:recv_op()
    local mapped = plain:map(concat)
    local never = b:recv_op():map(error)
    a:send(1)
    a:send(2)
    assert.same({ 1, 1 }, { rt.select(plain, never) })
    assert.same({ 2, "2", 1 }, { rt.select(never, mapped) })
    assert.equal(tostring(plain), tostring(mapped))
  end)

  it("may be applied to what it has returned: the first function comes first", function()
    local a = rt.channel(1)
    a:send(3)
    local function plus(n)
      return n + 1, "more"
    end
    local function times(n, more)
      rt.sleep(0.001)
      return n * 10, more
    end
    assert.same({ 1, 40, "more" }, { rt.select(a:recv_op():map(plus):map(times)) })
    a:send(3)
    assert.same({ 1, 31, "more" }, { rt.select(a:recv_op():map(times):map(plus)) })
  end)

  it("passes on any number of values, nil too", function()
    local a = rt.channel(1)
    a:send()
    assert.equal(
      300,
      select(
        "#",
        rt.select(a:recv_op():map(function()
          return table.unpack({}, 1, 299)
        end))
      )
    )
    a:send(nil, nil)
    assert.same(
      { 1, 2 },
      { rt.select(a:recv_op():map(function(...)
        return select("#", ...)
      end)) }
    )
  end)

  it("calls the function when the others are withdrawn: it may wait, and select", function()
    local a, b = rt.channel(1), rt.channel(1)
    a:send("first")
    local function nested(value)
      b:send("second") -- nobody else takes it
      rt.sleep(0.001)
      return value, select(2, rt.select(b:recv_op(), rt.sleep_op(60)))
    end
    assert.same({ 1, "first", "second" }, { rt.select(a:recv_op():map(nested), b:recv_op()) })
  end)

  it("raises the error of the function; the operation is done", function()
    local a = rt.channel(1)
    a:send("taken")
    local ok, err = pcall(rt.select, a:recv_op():map(error), rt.channel():recv_op())
    assert.same({ false, "taken" }, { ok, err })
    assert.same({ nil, "empty" }, { a:try_recv() })
  end)

  it("G8 a cancel while it waits takes nothing, and does not call the function", function()
    local a, called = rt.channel(1), false
    local op = a:recv_op():map(function()
      called = true
    end)
    assert.same({ nil, "timeout" }, { rt.timeout(0.005, rt.select, op) })
    a:send("still there")
    assert.same({ false, "still there" }, { called, a:recv() })
  end)

  it("keeps a lock for its function, as a guard", function()
    local mutex = rt.mutex(1)
    local op = mutex:lock_op():map(function(guard)
      local lock <close> = guard
      assert.is_falsy((mutex:try_lock()))
      return "locked"
    end)
    assert.same({ 1, "locked" }, { rt.select(op) })
    mutex:lock():unlock()
  end)

  it("refuses what is no function, and no operation", function()
    local op = rt.sleep_op(0)
    local message = kit.refused(function()
      return op:map()
    end)
    assert.matches("bad argument #1 to 'map' %(function expected, got no value%)", message)
    assert.matches("function expected, got table", kit.refused(op.map, op, {}))
    assert.matches("rt.operation expected, got number", kit.refused(op.map, 1, print))
  end)
end)
