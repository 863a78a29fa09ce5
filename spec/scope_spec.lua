local kit = require("kit")
local rt = require("rt")
local spin = require("spin")

--- Returns a value to close that counts how often it was closed.
local function guard(log, name)
  return setmetatable({}, {
    __close = function()
      log[#log + 1] = name
    end,
  })
end

describe("rt.scope", function()
  it("G21 does not return until all its tasks have ended, and returns what f does", function()
    local ended = 0
    local a, b = rt.scope(function(scope)
      for i = 1, 10 do
        scope:spawn_local(function()
          rt.sleep(i / 1000)
          ended = ended + 1
        end)
        scope:spawn(rt.sleep, i / 1000)
      end
      return 1, nil
    end)
    assert.same({ 10, 1, nil }, { ended, a, b })
  end)

  it("G21 the first failure cancels the siblings and f, and is raised as itself", function()
    local log = {}
    local started = rt.now()
    local ok, err = pcall(rt.scope, function(scope)
      local g <close> = guard(log, "f")
      scope:spawn_local(function()
        local g2 <close> = guard(log, "sibling")
        rt.sleep(60)
      end)
      scope:spawn(rt.sleep, 60)
      scope:spawn(function()
        rt.sleep(0.01)
        error { code = 7 }
      end)
      rt.sleep(60)
    end)
    assert.is_false(ok)
    assert.equal(7, err.code)
    table.sort(log)
    assert.same({ "f", "sibling" }, log)
    assert.is_true(rt.now() - started < 5 * kit.slow)
  end)

  it("G21 a failure in this state does the same", function()
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn(rt.sleep, 60)
      scope:spawn_local(error, "local failure", 0)
      rt.sleep(60)
    end)
    assert.same({ false, "local failure" }, { ok, err })
  end)

  it("G21 several failures come as one error, with all of them", function()
    local ok, err = pcall(rt.scope, function(scope)
      for i = 1, 3 do
        scope:spawn_local(function()
          local cleanup <close> = setmetatable({}, {
            __close = function()
              error("failure " .. i, 0)
            end,
          })
          rt.sleep(i == 1 and 0.005 or 60)
        end)
      end
    end)
    assert.is_false(ok)
    table.sort(err.errors)
    assert.same({ "failure 1", "failure 2", "failure 3" }, err.errors)
    assert.matches("^3 tasks failed:\n  1. failure 1\n", tostring(err))
  end)

  it("G21 an error of f cancels the tasks and is raised when they have ended", function()
    local log = {}
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn_local(function()
        local g <close> = guard(log, "closed")
        rt.sleep(60)
      end)
      rt.yield()
      error("of f", 0)
    end)
    assert.same({ false, "of f", { "closed" } }, { ok, err, log })
  end)

  it("G21 G22 its tasks have cleaned up, which may take time, when it returns", function()
    local cleaned = 0
    pcall(rt.scope, function(scope)
      for _ = 1, 5 do
        scope:spawn_local(function()
          local g <close> = setmetatable({}, {
            __close = function()
              rt.shield(1 * kit.slow, function()
                rt.sleep(0.01)
                cleaned = cleaned + 1
              end)
            end,
          })
          rt.sleep(60)
        end)
      end
      rt.yield()
      error("x")
    end)
    assert.equal(5, cleaned)
  end)

  it("G7 a cancel of the task around it cancels all, on every worker", function()
    local log = rt.channel(10)
    local task = rt.spawn_local(function()
      rt.scope(function(scope)
        for _ = 1, 2 do
          scope:spawn(function()
            local g <close> = setmetatable({}, {
              __close = function()
                log:try_send("remote")
              end,
            })
            log:send("up")
            rt.sleep(60)
          end)
        end
      end)
    end)
    log:recv()
    log:recv()
    task:cancel("outer")
    local _, err = pcall(task.join, task)
    assert.equal("outer", err.reason)
    assert.same({ "remote", "remote" }, { log:try_recv(), (log:try_recv()) })
  end)

  it("G7 scope:cancel ends the tasks and f; a task added afterwards is born cancelled", function()
    local log, late = {}, nil
    rt.scope(function(scope)
      scope:spawn_local(function()
        local g <close> = guard(log, "task")
        rt.sleep(60)
      end)
      local remote = scope:spawn(rt.sleep, 60)
      rt.yield()
      scope:cancel("enough")
      late = scope:spawn(function()
        error("never runs")
      end)
      assert.equal("cancelled", late:status())
      late = scope:spawn_local(error, "never runs, either")
      assert.equal("cancelled", late:status())
      assert.matches("^cancel", remote:cancel() and "cancelling" or remote:status())
      rt.sleep(60)
    end)
    assert.same({ "task" }, log)
  end)

  it("a scope that has ended takes no more tasks", function()
    local kept
    rt.scope(function(scope)
      kept = scope
    end)
    assert.matches("the scope has ended", kit.refused(kept.spawn_local, kept, print))
    assert.matches("the scope has ended", kit.refused(kept.spawn, kept, print))
    assert.matches("^rt.scope %(ended", tostring(kept))
  end)

  it("G21 cannot be sent: a task added elsewhere would be missing here", function()
    rt.scope(function(scope)
      local message = kit.refused(scope.spawn, scope, print, scope)
      assert.matches("cannot send argument 1 .group %(a scope: only where it was opened", message)
    end, "settle")
  end)

  it("scopes nest", function()
    local ok, err = pcall(rt.scope, function(outer)
      outer:spawn_local(function()
        rt.scope(function(inner)
          inner:spawn(rt.sleep, 60)
          inner:spawn_local(function()
            rt.sleep(0.005)
            error("deep", 0)
          end)
        end)
      end)
      outer:spawn_local(rt.sleep, 60)
    end)
    assert.same({ false, "deep" }, { ok, err })
  end)

  it("a timeout around it ends everything in it", function()
    local log = {}
    local r, why = rt.timeout(0.2 * kit.slow, rt.scope, function(scope)
      scope:spawn_local(function()
        local g <close> = guard(log, "closed")
        rt.sleep(60)
      end)
      scope:spawn(rt.sleep, 60)
    end)
    assert.same({ nil, "timeout", { "closed" } }, { r, why, log })
  end)

  it("policy any: the first success cancels the others and is the result", function()
    local a, b = rt.scope(function(scope)
      scope:spawn_local(error, "fails at once")
      scope:spawn(rt.sleep, 60)
      scope:spawn(function()
        rt.sleep(0.01)
        return "won", 2
      end)
    end, "any")
    assert.same({ "won", 2 }, { a, b })
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn_local(error, "a", 0)
      scope:spawn_local(error, "b", 0)
    end, "any")
    assert.is_false(ok)
    assert.same({ "a", "b" }, err.errors)
  end)

  it("policy first: the first end of any kind", function()
    assert.equal("quick", (rt.scope(function(scope)
      scope:spawn(rt.sleep, 60)
      scope:spawn_local(function()
        rt.sleep(0.002)
        return "quick"
      end)
    end, "first")))
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn(rt.sleep, 60)
      scope:spawn_local(error, "failed first", 0)
    end, "first")
    assert.same({ false, "failed first" }, { ok, err })
  end)

  it("a loser that returns all the same when it is cancelled has not won", function()
    local function survivor()
      pcall(require("rt").sleep, 60)
      return "loser"
    end
    local function winner()
      require("rt").sleep(0.005)
      return "winner"
    end
    for _, policy in ipairs { "any", "first" } do
      for _, spawn in ipairs { "spawn", "spawn_local" } do
        local result = rt.scope(function(scope)
          scope[spawn](scope, survivor)
          scope[spawn](scope, winner)
        end, policy)
        assert.same({ policy, spawn, "winner" }, { policy, spawn, result })
      end
    end
    assert.same({ 2, "winner" }, { rt.race(survivor, winner) })
  end)

  it("policy any: a task that somebody cancels is no success", function()
    for _, spawn in ipairs { "spawn", "spawn_local" } do
      local result = rt.scope(function(scope)
        local given_up = scope[spawn](scope, rt.sleep, 60)
        scope[spawn](scope, function()
          require("rt").sleep(0.005)
          return "the other"
        end)
        given_up:cancel()
      end, "any")
      assert.same({ spawn, "the other" }, { spawn, result })
    end
  end)

  it("policy settle: nothing cancels the others", function()
    local tasks = rt.scope(function(scope)
      return {
        scope:spawn_local(error, "one"),
        scope:spawn(function()
          rt.sleep(0.01)
          return 2
        end),
      }
    end, "settle")
    assert.same({ "failed", "done" }, { tasks[1]:status(), tasks[2]:status() })
    assert.equal(2, (tasks[2]:join()))
  end)

  it("G10 a timeout of f is that of rt.timeout, also if a task fails meanwhile", function()
    local code, out, err = kit.run(kit.program("timed_out_with_failures"))
    local expected =
      "f waits\tnil\ttimeout\nf has ended\tnil\ttimeout\nunhandled: timeout, timeout\n"
    assert.same({ 0, expected }, { code, out }, err)
  end)

  it("does not grow with the tasks that have ended", function()
    rt.scope(function(scope)
      local most = 0 -- (the first of them are kept for scope:next)
      for _ = 1, 1000 do
        for _ = 1, 50 do
          scope:spawn_local(function() end)
        end
        rt.yield()
        most = math.max(most, #scope.tasks)
      end
      assert.is_true(most < 40000 and #scope.tasks < 20000)
    end)
  end)

  it("bad arguments", function()
    assert.matches("bad argument #1 to 'scope'", kit.refused(rt.scope))
    assert.matches("bad argument #2 to 'scope'", kit.refused(rt.scope, print, "x"))
    rt.scope(function(scope)
      local no_way = kit.refused(function()
        scope:spawn(print, coroutine.create(print))
      end)
      assert.matches("^spec/scope_spec.lua:%d+: cannot send argument 1 %(coroutine%)", no_way)
      for _, verb in ipairs { "spawn", "spawn_local", "cancel" } do
        local no_self = kit.refused(function()
          scope[verb](print)
        end)
        local wrong = "^spec/scope_spec.lua:%d+: bad argument #1 to '" .. verb .. "' "
        assert.matches(wrong .. "%(rt.scope expected, got function%)$", no_self)
        if verb ~= "cancel" then
          local no_function = kit.refused(function()
            scope[verb](scope, 5)
          end)
          assert.matches(wrong .. "%(function expected, got number%)$", no_function)
        end
      end
    end)
  end)
end)

--- A function that waits, and one that returns what its wait has raised.
local function error_of_wait()
  local raised
  return function()
    raised = "nothing yet"
    local _, err = pcall(rt.sleep, 60)
    raised = err
    error(err, 0)
  end, function()
    return tostring(raised)
  end
end

describe("rt.join", function()
  it("raises if the task of a function was cancelled, and cancels the other functions", function()
    local function cancelled()
      rt.current():cancel("reason")
      rt.sleep(60)
      return 1
    end
    local waits, raised = error_of_wait()
    local given = rt.spawn_local(rt.sleep, 60)
    for _, call in ipairs {
      { rt.join, cancelled },
      { rt.run, cancelled },
      { rt.race, cancelled },
      { rt.join, cancelled, waits, given },
      { rt.join, rt.spawn_local(cancelled) },
    } do
      local ok, err = pcall(table.unpack(call))
      assert.same({ false, "cancelled: reason" }, { ok, tostring(err) })
      assert.equal(rt.Cancelled, getmetatable(err))
    end
    assert.matches("another task of the scope failed or was cancelled", raised())
    assert.equal("waiting", given:status())
    given:cancel()
  end)

  it("raises both, if a function was cancelled and another one fails because of that", function()
    local ok, err = pcall(rt.join, function()
      rt.current():cancel("reason")
      rt.sleep(60)
    end, function()
      pcall(rt.sleep, 60)
      error("cannot clean up", 0)
    end)
    assert.is_false(ok)
    assert.equal(2, err.n)
    assert.equal("cancelled: reason", tostring(err.errors[1]))
    assert.equal("cannot clean up", err.errors[2])
  end)
end)

describe("tasks that wait for others, and are cancelled,", function()
  for _, name in ipairs { "join", "race", "scope" } do
    it("cancel these for the same reason: rt." .. name, function()
      local function call(f)
        if name == "scope" then
          return rt.scope(function(scope)
            scope:spawn_local(f)
          end)
        end
        return rt[name](f)
      end
      local waits, raised = error_of_wait()
      assert.same({ nil, "timeout" }, { rt.timeout(0.005, call, waits) })
      assert.equal("cancelled: timeout", raised())
      local task = rt.spawn_local(call, waits)
      repeat
        rt.yield()
      until raised() == "nothing yet"
      task:cancel("no longer wanted")
      assert.is_false(pcall(task.join, task))
      assert.equal("cancelled: no longer wanted", raised())
    end)
  end
end)

describe("rt.race", function()
  it(
    "leaves tasks that were given alone: one that wins, loses, is timed out or cancelled",
    function()
      local pool, here = rt.spawn(rt.sleep, 60), rt.spawn_local(rt.sleep, 60)
      local waits, raised = error_of_wait()
      assert.same({ nil, "timeout" }, { rt.timeout(0.005, rt.race, pool, here, waits) })
      assert.equal("cancelled: timeout", raised())
      local racer = rt.spawn_local(rt.race, pool, here)
      rt.yield()
      racer:cancel()
      assert.is_false((pcall(racer.join, racer)))
      local quick = rt.spawn(function()
        return "remote"
      end)
      assert.same({ 3, "remote" }, { rt.race(pool, here, quick) })
      assert.same(
        { false, 1 },
        { pcall(rt.race, pool, here, function()
          error(1, 0)
        end) }
      )
      for _, task in ipairs { pool, here } do
        assert.not_equal("cancelled", task:status())
        assert.is_true(task:cancel("now"))
        local _, err = pcall(task.join, task)
        assert.equal("cancelled: now", tostring(err))
      end
    end
  )

  it("returns the index and the results of the first, and cancels the others", function()
    local log = {}
    local i, a, b = rt.race(function()
      local g <close> = guard(log, "loser")
      rt.sleep(60)
    end, function()
      rt.sleep(0.005)
      return "a", "b"
    end)
    assert.same({ 2, "a", "b", { "loser" } }, { i, a, b, log })
  end)

  it("raises the error of the first", function()
    local ok, err = pcall(rt.race, function()
      rt.sleep(60)
    end, function()
      error("first", 0)
    end)
    assert.same({ false, "first" }, { ok, err })
  end)

  it("bad arguments", function()
    assert.matches("bad argument #2 to 'race'", kit.refused(rt.race, print, 5))
    assert.matches("no value", kit.refused(rt.race))
    local channel = rt.channel()
    for _, verb in ipairs { "race", "join" } do
      local wrong = "bad argument #1 to '"
        .. verb
        .. "' (task or function expected, got rt.channel)"
      assert.truthy(kit.refused(rt[verb], channel):find(": " .. wrong, 1, true))
      assert.matches(": a task cannot join itself$", kit.refused(rt[verb], rt.current(), print))
    end
  end)

  it("G10 ends a body that computes, and not the code around it", function()
    local child
    local results = table.pack(rt.timeout(0.1 * kit.slow, rt.scope, function(s)
      child = s:spawn(rt.sleep, 60)
      while true do
        s = s or child
        spin.once()
      end
    end))
    assert.same({ nil, "timeout", n = 2 }, results)
    assert.equal("cancelled", child:status())
    local in_pool = rt.spawn(function()
      return rt.timeout(0.05, rt.scope, function(s)
        s:spawn_local(rt.sleep, 60)
        while true do
          pcall(error)
          spin.once()
        end
      end)
    end)
    assert.same({ n = 2, nil, "timeout" }, table.pack(in_pool:join()))
  end)

  it("G21 nobody enters between its last end and its own", function()
    local late, escaped
    rt.scope(function(s)
      local last = s:spawn_local(rt.yield)
      rt.spawn_local(function()
        last:join()
        late = s:spawn_local(function()
          rt.sleep(0.01)
          escaped = false
        end)
        escaped = true
      end)
    end)
    assert(not late or (escaped == false and late:status() == "done"))
  end)

  it("G21 a cancel that comes as its last task ends is not lost", function()
    local child, went_on
    local task = rt.spawn_local(function()
      rt.scope(function(s)
        child = s:spawn_local(rt.sleep, 60)
      end)
      went_on = true
    end)
    while not child do
      rt.yield()
    end
    child:cancel()
    while child:status() ~= "cancelled" do
      rt.yield()
    end
    task:cancel("the same cause")
    local ok, err = pcall(task.join, task)
    assert.is_false(ok)
    assert.equal("the same cause", err.reason)
    assert.is_nil(went_on)
  end)
end)

describe("a scope that is cancelled", function()
  it("has not failed, whoever of its tasks hears of that first", function()
    for _, how in ipairs { "spawn", "spawn_local" } do
      for _ = 1, 20 do
        local ch = rt.channel(4)
        local ok, problem = pcall(rt.scope, function(scope)
          scope[how](scope, function()
            local c <close> = ch
            repeat
            until not c:send(1)
          end)
          scope[how](scope, function()
            repeat
              assert(ch:recv())
            until false
          end)
          rt.sleep(0.001)
          scope:cancel("enough")
        end)
        assert.is_true(ok or getmetatable(problem) == rt.Cancelled, tostring(problem))
      end
    end
  end)
end)

describe("rt.shield", function()
  it("G22 an outer cancel waits until it ends", function()
    local log = {}
    local task = rt.spawn_local(function()
      rt.shield(function()
        rt.sleep(0.01)
        log[#log + 1] = "finished"
      end)
      rt.sleep(0)
      log[#log + 1] = "never"
    end)
    rt.yield()
    task:cancel()
    assert.is_false((pcall(task.join, task)))
    assert.same({ "finished" }, log)
  end)

  it("G22 with seconds, for that long", function()
    local task = rt.spawn_local(function()
      rt.shield(0.01, rt.sleep, 60)
    end)
    rt.yield()
    local started = rt.now()
    task:cancel()
    assert.is_false((pcall(task.join, task)))
    assert.is_true(rt.now() - started < 5 * kit.slow)
    assert.same({ 1, 2 }, { rt.shield(function()
      return 1, 2
    end) })
  end)
end)

describe("the failures of a scope", function()
  local function bad()
    error("bad")
  end

  local function cpu_time(f, ...)
    local begun = os.clock()
    for _ = 1, 300 do
      assert(not pcall(f, ...))
    end
    return os.clock() - begun
  end

  local function failing_join()
    return cpu_time(function()
      rt.spawn_local(bad):join()
    end)
  end

  for name, call in pairs {
    ["rt.join"] = { rt.join, bad },
    ["rt.join of a task"] = {
      function()
        rt.join(rt.spawn_local(bad))
      end,
    },
    ["rt.join of a task and a function"] = {
      function()
        rt.join(rt.spawn_local(bad), rt.yield)
      end,
    },
    ["rt.scope"] = {
      rt.scope,
      function(scope)
        scope:spawn_local(bad)
      end,
    },
  } do
    it("cost at most twice as much as one that task:join raises: " .. name, function()
      kit.in_time(2, function()
        return kit.cost_ratio(function()
          return cpu_time(table.unpack(call))
        end, failing_join)
      end)
    end)
  end

  for _, spawn in ipairs { "spawn", "spawn_local" } do
    it("G6 one that is joined inside is one: " .. spawn, function()
      local function fails(f)
        local ok, err = pcall(rt.scope, f)
        assert.is_false(ok)
        return err
      end
      local object = { "boom" }
      for _ = 1, 10 do
        assert.equal(
          "boom",
          fails(function(scope)
            local a, b = scope[spawn](scope, error, "boom", 0), scope[spawn](scope, rt.yield)
            return a:join(), b:join()
          end)
        )
        assert.same(
          object,
          fails(function(scope)
            local a = scope[spawn](scope, error, object)
            scope[spawn](scope, function()
              a:join()
            end)
            a:join()
          end)
        )
        local failing = rt[spawn](error, "outside", 0)
        assert.equal(
          "outside",
          select(
            2,
            pcall(rt.join, failing, failing, function()
              failing:join()
            end)
          )
        )
      end
    end)

    it("G6 two are two, of the same text, too: " .. spawn, function()
      local up = rt.channel(2)
      local ok, err = pcall(rt.scope, function(scope)
        for _ = 1, 2 do
          scope[spawn](scope, function()
            up:send(1)
            pcall(rt.sleep, 100)
            error("boom", 0)
          end)
        end
        up:recv()
        up:recv()
        error("body", 0)
      end)
      assert.is_false(ok)
      assert.same({ "body", "boom", "boom" }, err.errors)
      assert.equal("3 tasks failed:\n  1. body\n  2. boom\n  3. boom", tostring(err))
    end)

    it("G6 an error of nil is one: " .. spawn, function()
      local function nothing(scope)
        scope[spawn](scope, error, nil)
      end
      assert.same({ false, n = 2 }, table.pack(pcall(rt.scope, nothing)))
      assert.same({ false, n = 2 }, table.pack(pcall(rt.scope, nothing, "any")))
      assert.same(
        { false, n = 2 },
        table.pack(pcall(rt.scope, function()
          error(nil)
        end))
      )
      assert.same({ false, n = 2 }, table.pack(pcall(rt.join, error, rt.yield)))
      local _, err = pcall(rt.scope, function(scope)
        local task = scope[spawn](scope, error, nil)
        rt.shield(function()
          repeat
            rt.sleep(0.001)
          until task:status() == "failed"
        end)
        error("x", 0)
      end)
      assert.equal(2, err.n)
      assert.equal("x", err.errors[1] or err.errors[2])
      assert.matches("^2 tasks failed:\n  %d%. [xn]", tostring(err))
    end)
  end

  it("G21 where nobody could wait for its tasks, none is opened", function()
    local opened = false
    local ok, err = rt.spawn_local(pcall, string.gsub, "x", "x", function()
      rt.scope(function()
        opened = true
      end)
    end):join()
    assert.is_false(ok)
    assert.matches("scope_spec.lua:%d+: cannot wait here: 'string.gsub', a C function", err)
    assert.is_false(opened)
  end)
end)

describe("an error that goes through a call of rt", function()
  local function deep(t)
    return t.x.y
  end
  local function fail()
    local y = deep {}
    return y
  end
  local ways = {
    timeout = function()
      rt.timeout(10, fail)
    end,
    shield = function()
      rt.shield(fail)
    end,
    critical = function()
      rt.critical(fail)
    end,
    scope = function()
      rt.scope(fail)
    end,
    ["rt.run"] = function()
      rt.run(fail)
    end,
    with = function()
      rt.mutex():with(fail)
    end,
    nested = function()
      rt.timeout(10, rt.shield, rt.scope, fail)
    end,
  }
  for name, way in pairs(ways) do
    it("G6 has its traceback, once: " .. name, function()
      for _, place in ipairs { "here", "in a task" } do
        local _, trace
        if place == "here" then -- in a new task: here the middle would be left out
          _, trace = rt.spawn_local(xpcall, way, rt.traceback):join()
        else
          local task = rt.spawn_local(way)
          _, trace = xpcall(task.join, rt.traceback, task)
          trace = trace:match("in task .*")
        end
        assert.matches("in upvalue 'deep'\n", trace)
        assert.equal(
          name == "rt.run" and 2 or 1,
          select(2, trace:gsub("stack traceback:", "")),
          trace
        )
      end
    end)
  end

  it("an equal error that is raised and caught in turn has a traceback that stays short", function()
    local function bad()
      error("again", 0)
    end
    for _ = 1, 200 do
      pcall(rt.shield, bad)
      pcall(rt.timeout, 10, bad)
    end
    local _, trace = xpcall(rt.shield, rt.traceback, bad)
    assert(#trace < 100000, #trace .. " bytes")
  end)

  it("G6 the same object, raised elsewhere, has that place first", function()
    local object = {}
    pcall(rt.timeout, 10, error, object)
    local here = debug.getinfo(1, "l").currentline
    local _, trace = rt.spawn_local(xpcall, error, rt.traceback, object):join()
    assert.is_nil(trace:match("^(.-)\nstack traceback:"):find(":" .. here - 1, 1, true), trace)
  end)
end)
