--- rt.call: a function that runs on the pool while its caller waits.
local kit = require("kit")
local rt = require("rt")
local slow = require("slow")
local spin = require("spin")

--- A function for the pool that says so when it has begun, waits, and takes a while to clean up.
local function cleans_up(log)
  local _ <close> = setmetatable({}, {
    __close = function()
      rt.shield(function()
        rt.sleep(0.02)
        log:send("cleaned up")
      end)
    end,
  })
  log:send("begun")
  rt.sleep(math.huge)
end

local function fails_in_cleanup(begun)
  local _ <close> = setmetatable({}, {
    __close = function()
      error("the cleanup failed", 0)
    end,
  })
  begun:send(true)
  rt.sleep(math.huge)
end

describe("rt.call", function()
  it("G36 returns what the function returns, which runs on another worker", function()
    local mine = rt.current().id
    local id, n, a, b = rt.call(function(...)
      return rt.current().id, select("#", ...), ...
    end, nil, nil)
    assert.is_true(id ~= mine)
    assert.same({ 2, nil, nil }, { n, a, b })
    assert.equal("UP", rt.call(string.upper, "up"))
    assert.equal(
      7,
      rt.call(function() -- from the pool, too
        return rt.call(math.max, 3, 7)
      end)
    )
  end)

  it("raises the error unchanged, with both tracebacks", function()
    local ok, err = pcall(rt.call, function()
      error { code = 7 }
    end)
    assert.is_false(ok)
    assert.equal(7, err.code)
    local _, trace = xpcall(rt.call, rt.traceback, error, "of the function", 0)
    assert.matches("in task %d+, spawned at spec/call_spec.lua:%d+", trace)
    assert.matches("'rt.call'", trace, 1, true)
  end)

  it("refuses what cannot be sent, and what is no function, at the line of the caller", function()
    local here = "^spec/call_spec.lua:%d+: "
    assert.matches(
      here .. "cannot send argument 1 %(coroutine%)",
      kit.refused(function()
        rt.call(print, coroutine.create(print))
      end)
    )
    local refusal = here .. "bad argument #1 to 'call' %(function expected, got %s%)"
    for expected, call in pairs {
      ["no value"] = function()
        rt.call()
      end,
      number = function()
        rt.call(1, print)
      end,
    } do
      assert.matches(refusal:gsub("%%s", expected), kit.refused(call))
    end
  end)

  it("G36 a timeout of the caller cancels the function, and waits for its cleanup", function()
    local log = rt.channel(2)
    local caller = rt.spawn_local(function()
      return rt.timeout(0.05, rt.call, cleans_up, log)
    end)
    assert.equal("begun", log:recv())
    assert.same({ nil, "timeout" }, { caller:join() })
    assert.equal("cleaned up", (log:try_recv()))
  end)

  it("G36 a cancel of the caller cancels the function, for the same reason", function()
    for _, spawn in ipairs { rt.spawn_local, rt.spawn } do
      local log = rt.channel(2)
      local caller = spawn(rt.call, cleans_up, log)
      assert.equal("begun", log:recv())
      caller:cancel("not needed")
      local _, err = pcall(caller.join, caller)
      assert.same({ rt.Cancelled, "not needed" }, { getmetatable(err), err.reason })
      assert.equal("cleaned up", (log:try_recv()))
    end
    local reason, begun = rt.channel(1), rt.channel(1)
    local caller = rt.spawn_local(rt.call, function()
      begun:send(true)
      local _, err = pcall(rt.sleep, math.huge)
      rt.shield(reason.send, reason, err.reason)
    end)
    begun:recv()
    caller:cancel("a reason")
    assert.equal("a reason", reason:recv())
    assert.is_false(pcall(caller.join, caller))
    assert.equal("cancelled", caller:status())
  end)

  it("G36 a caller that is cancelled ends a function that computes", function()
    assert.same({ nil, "timeout" }, { rt.timeout(0.05, rt.call, spin.forever) })
    assert.same({ nil, "timeout" }, {
      rt.timeout(0.05, rt.scope, function(scope)
        scope:spawn_local(rt.call, spin.forever)
      end),
    })
  end)

  it("G36 calls from call to call are all cancelled, before the first one returns", function()
    local log = rt.channel(2)
    local caller = rt.spawn_local(rt.call, rt.call, rt.call, cleans_up, log)
    assert.equal("begun", log:recv())
    caller:cancel()
    pcall(caller.join, caller)
    assert.equal("cleaned up", (log:try_recv()))
  end)

  it("G6 an error of the cleanup after a cancel is raised, and reaches no one else", function()
    local begun = rt.channel(1)
    local ok, err = pcall(rt.timeout, 0.02, rt.call, fails_in_cleanup, begun)
    assert.same({ false, "the cleanup failed" }, { ok, err })
    local code, out, errors = kit.run(kit.program("cleanup_fails"))
    assert.same({ 0, "the cleanup failed\n", "" }, { code, out, errors })
  end)

  it("G36 a function that cancels itself cancels only itself", function()
    local ok, err = pcall(rt.call, function()
      rt.current():cancel("by itself")
      rt.yield()
    end)
    assert.same({ false, "by itself" }, { ok, err.reason })
    rt.yield() -- (raises if this task is being cancelled)
  end)

  it("G10 an inner timeout is not that of the caller", function()
    local inner = rt.call(function()
      return select(2, rt.timeout(0.001, rt.sleep, math.huge))
    end)
    assert.equal("timeout", inner)
    assert.equal(5, rt.timeout(100 * slow, rt.call, math.max, 5, 2))
  end)

  it("G36 a task that is cancelled before it calls runs nothing", function()
    local ran = rt.dict()
    local task = rt.spawn_local(function()
      pcall(rt.sleep, math.huge)
      pcall(rt.call, ran.set, ran, "ran", true)
    end)
    rt.yield()
    task:cancel()
    pcall(task.join, task)
    assert.is_nil(ran:get("ran"))
  end)

  it("G36 timeouts at any moment leave no task behind", function()
    kit.on_workers(kit.program("timeouts"))
  end)
end)
