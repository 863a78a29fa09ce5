local kit = require("kit")
local rt = require("rt")

describe("task:", function()
  it("G1 spawn_local never runs any of the child before it returns", function()
    local ran = false
    local task = rt.spawn_local(function()
      ran = true
    end)
    assert.is_false(ran)
    assert.equal("queued", task:status())
    task:join()
    assert.is_true(ran)
  end)

  it("gets its arguments, and join returns its results", function()
    local task = rt.spawn_local(function(...)
      return select("#", ...), ...
    end, 1, nil, "x", nil)
    assert.same({ 4, 1, nil, "x", nil, n = 5 }, table.pack(task:join()))
  end)

  it("results of every kind and number come back unchanged", function()
    local t, f = {}, function() end
    local cases = {
      {},
      { nil },
      { true },
      { false },
      { 1 },
      { -1 },
      { 2 ^ 53 },
      { 1.5 },
      { math.maxinteger },
      { math.mininteger },
      { 0 / 0 },
      { math.huge },
      { -0.0 },
      { "" },
      { "text" },
      { t },
      { f },
      { nil, nil },
      { 1, nil },
      { nil, "EPIPE: broken pipe", "EPIPE" },
      { t, f, 1, "x", false },
    }
    local sizes = { 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 5 }
    for i, values in ipairs(cases) do
      local task = rt.spawn_local(function()
        return table.unpack(values, 1, sizes[i])
      end)
      for _ = 1, 2 do
        local got = table.pack(task:join())
        assert.equal(sizes[i], got.n)
        for k = 1, got.n do
          if values[k] ~= values[k] then
            assert.is_true(got[k] ~= got[k])
          else
            assert.equal(values[k], got[k])
            assert.equal(math.type(values[k]), math.type(got[k]))
          end
        end
      end
    end
  end)

  it("shares upvalues, tables and globals with its state", function()
    local n, t = 0, {}
    local a = rt.spawn_local(function()
      n = n + 1
      t.x = n
      rt.yield()
      n = n + 1
    end)
    local b = rt.spawn_local(function()
      n = n + 10
      t.y = n
    end)
    a:join()
    b:join()
    assert.equal(12, n)
    assert.same({ x = 1, y = 11 }, t)
  end)

  it("status follows its life", function()
    local task, seen
    local go = rt.channel()
    task = rt.spawn_local(function()
      seen = task:status()
      go:recv()
    end)
    assert.equal("queued", task:status())
    rt.yield()
    assert.equal("running", seen)
    assert.equal("waiting", task:status())
    go:close()
    task:join()
    assert.equal("done", task:status())
    local failing = rt.spawn_local(error, "no")
    pcall(failing.join, failing)
    assert.equal("failed", failing:status())
  end)

  it("G3 each task ends in exactly one way, and never changes after", function()
    local tasks = {}
    for i = 1, 300 do
      tasks[i] = rt.spawn_local(function()
        if i % 3 == 1 then
          error("e" .. i, 0)
        end
        if i % 3 == 2 then
          rt.sleep(60)
        end
        return i
      end)
    end
    rt.yield()
    for i = 2, 300, 3 do
      assert.is_true(tasks[i]:cancel())
    end
    local counts = { done = 0, failed = 0, cancelled = 0 }
    for i = 1, 300 do
      pcall(tasks[i].join, tasks[i])
      counts[tasks[i]:status()] = counts[tasks[i]:status()] + 1
    end
    assert.same({ done = 100, failed = 100, cancelled = 100 }, counts)
    for i = 1, 300 do
      local before = tasks[i]:status()
      tasks[i]:cancel()
      assert.equal(before, tasks[i]:status())
    end
  end)

  it("G12 any number of joiners, at any time, get the same", function()
    local t = {}
    local task = rt.spawn_local(function()
      rt.sleep(0.005)
      return t, 2
    end)
    local joiners = {}
    for i = 1, 50 do
      joiners[i] = rt.spawn_local(function()
        return task:join()
      end)
    end
    for i = 1, 50 do
      local a, b = joiners[i]:join()
      assert.equal(t, a)
      assert.equal(2, b)
    end
    assert.equal(t, (task:join()))
  end)

  it("G12 join returns after the task's cleanup is done", function()
    local closed = false
    local task = rt.spawn_local(function()
      local guard <close> = setmetatable({}, {
        __close = function()
          rt.sleep(0.005)
          closed = true
        end,
      })
      return guard ~= nil
    end)
    assert.is_true(task:join())
    assert.is_true(closed)
  end)

  it("G12 a joiner that is cancelled leaves the task running", function()
    local go = rt.channel()
    local task = rt.spawn_local(function()
      go:recv()
      return "all of it"
    end)
    local joiner = rt.spawn_local(function()
      return task:join()
    end)
    rt.yield()
    joiner:cancel()
    assert.is_false(pcall(joiner.join, joiner))
    go:close()
    assert.equal("all of it", task:join())
  end)

  it("G12 dropping a handle changes nothing", function()
    local n = 0
    for _ = 1, 100 do
      rt.spawn_local(function()
        rt.sleep(0.002)
        collectgarbage()
        n = n + 1
      end)
    end
    collectgarbage()
    kit.wait_for(function()
      return n == 100
    end, 5, "the end of all tasks")
    assert.equal(100, n)
  end)

  it("G5 joining oneself is refused", function()
    local task
    task = rt.spawn_local(function()
      return pcall(task.join, task)
    end)
    local ok, message = task:join()
    assert.is_false(ok)
    assert.matches("a task cannot join itself", message)
  end)

  it("G6 an error reaches the joiner unchanged, whatever its type", function()
    local object = setmetatable({}, {
      __tostring = function()
        return "object"
      end,
    })
    for _, value in ipairs { "text", 42, 4.5, true, false, object, print } do
      local task = rt.spawn_local(function()
        error(value, 0)
      end)
      local ok, err = pcall(task.join, task)
      assert.is_false(ok)
      assert.equal(value, err)
    end
    local task = rt.spawn_local(function()
      error()
    end)
    local ok, err = pcall(task.join, task)
    assert.is_false(ok)
    assert.is_nil(err)
  end)

  it("rt.current is the task, also inside a coroutine and in the main chunk", function()
    local inner, outer
    local task = rt.spawn_local(function()
      outer = rt.current()
      inner = coroutine.wrap(function()
        return rt.current()
      end)()
    end)
    task:join()
    assert.equal(task, outer)
    assert.equal(task, inner)
    local main = rt.current()
    assert.equal(main, rt.current())
    assert.equal("running", main:status())
    assert.matches("cannot join itself", kit.refused(main.join, main))
    assert.matches("bad argument #1 to 'run' .function expected, got no value", kit.refused(rt.run))
    assert.matches("main task cannot be joined", kit.refused(rt.run, main.join, main))
  end)

  it("has an id, and a name that can be set", function()
    local a, b = rt.spawn_local(print), rt.spawn_local(print)
    a:cancel()
    b:cancel()
    assert.equal("integer", math.type(a.id))
    assert.equal(a.id + 1, b.id)
    assert.is_nil(a.name)
    a.name = "reader"
    assert.equal("reader", a.name)
    assert.is_nil(a.nonsense)
    assert.matches("^rt.task " .. a.id .. " %(reader, cancelled%)$", tostring(a))
    assert.matches(
      "no field 'id'",
      kit.refused(function()
        a.id = 3
      end)
    )
  end)

  it("G13 tasks run in the order in which they became runnable, once a turn", function()
    local log = {}
    for i = 1, 5 do
      rt.spawn_local(function()
        for round = 1, 3 do
          log[#log + 1] = round * 10 + i
          rt.yield()
        end
      end)
    end
    for _ = 1, 5 do
      rt.yield()
    end
    assert.same({ 11, 12, 13, 14, 15, 21, 22, 23, 24, 25, 31, 32, 33, 34, 35 }, log)
  end)

  it("G14 yield returns after all that were runnable have run, and the OS was polled", function()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local flag = false
    rt.spawn_local(function()
      local s = listener:accept()
      flag = s:read(3) == "now"
    end)
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    client:write("now")
    while not flag do
      rt.yield()
    end
    listener:close()
  end)

  it("G14 a single yield polls", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local client <close> = assert(rt.tcp.connect("127.0.0.1", port))
    local server <close> = listener:accept()
    local got = 0
    local reader = rt.spawn_local(function()
      while server:read(1) do
        got = got + 1
      end
    end)
    rt.yield()
    -- (a busy machine may deliver a byte late; and a loop that has not polled for 2 ms polls anyway)
    kit.eventually(function()
      local missed = 0
      for _ = 1, 20 do
        local before = got
        client:write("x")
        rt.yield()
        if got == before then
          missed = missed + 1
          kit.wait_for(function()
            return got > before
          end, 5, "the byte")
        end
      end
      return missed == 0, missed .. " of 20 bytes were not seen"
    end)
    client:close()
    reader:join()
  end)

  it("G14 yield lets timers fire", function()
    local woke = false
    rt.spawn_local(function()
      rt.sleep(0.003)
      woke = true
    end)
    while not woke do
      rt.yield()
    end
  end)

  it("a chain of wake-ups does not keep the timers and the OS waiting (G16)", function()
    kit.in_time(0.2, function()
      local stop, n = false, 0
      local function chain()
        n = n + 1
        if not stop then
          rt.spawn_local(chain)
        end
      end
      rt.spawn_local(chain)
      local t = rt.now()
      rt.sleep(0.01)
      stop = true
      assert.is_true(n > 10)
      return rt.now() - t
    end)
  end)

  it("a coroutine that the program has seen is dead when its task has ended", function()
    local co = rt.run(function()
      pcall(error, "x")
      return (coroutine.running())
    end)
    assert.equal("dead", coroutine.status(co))
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
    assert.is_true(coroutine.close(co))
    for _ = 1, 20 do
      assert(rt.run(coroutine.running) ~= co)
    end
  end)

  it("a hook ends with the task that set it", function()
    local lines = 0
    local function count()
      lines = lines + 1
    end
    for _ = 1, 3 do
      rt.run(debug.sethook, count, "l")
    end
    for _ = 1, 5 do
      rt.run(function()
        assert(debug.gethook() ~= count) -- rt may have set a hook
      end)
    end
    assert.equal(0, lines)
  end)

  it("deep recursion in a task ends in an error, not in a crash", function()
    local task = rt.spawn_local(function()
      local function deep(n)
        return 1 + deep(n + 1)
      end
      return deep(1)
    end)
    local ok, message = pcall(task.join, task)
    assert.is_false(ok)
    assert.matches("stack overflow", message)
    assert.equal(
      1,
      rt.run(function()
        return 1
      end)
    )
  end)

  it("run returns the results of a function, or raises its error", function()
    assert.same(
      { 1, nil, 3, n = 3 },
      table.pack(rt.run(function(...)
        return ...
      end, 1, nil, 3))
    )
    assert.equal("boom", kit.refused(rt.run, error, "boom", 0))
    assert.equal(
      7,
      rt.run(function()
        return rt.run(function()
          rt.yield()
          return 7
        end)
      end)
    )
  end)
end)

describe("join:", function()
  it("waits for tasks and functions, and returns the first result of each", function()
    local meeting = rt.channel(0) -- both tasks run at the same time
    local t = rt.spawn_local(function()
      meeting:send("function")
      return "task", "more"
    end)
    local a, b, c = rt.join(t, function()
      return (meeting:recv())
    end, function() end)
    assert.same({ "task", "function" }, { a, b, c })
    assert.equal(0, select("#", rt.join()))
    local function nothing() end
    assert.equal(3, select("#", rt.join(nothing, nothing, nothing)))
  end)

  it("tells of tasks only where its error comes from one, not an equal error of later", function()
    local function fail()
      error("equal", 0)
    end
    local task = rt.spawn_local(fail)
    assert.is_false((pcall(task.join, task)))
    rt.yield()
    for _ = 1, 3 do
      local again = rt.spawn_local(fail)
      local _, trace = xpcall(again.join, rt.traceback, again)
      assert.equal(1, select(2, trace:gsub("in task", "")))
      _, trace = xpcall(fail, rt.traceback)
      assert.is_nil(trace:find("in task", 1, true))
    end
  end)

  it("G6 hears of every failure: several are raised as one", function()
    local function fail(text)
      return function()
        error(text, 0)
      end
    end
    local ok, err = pcall(rt.join, fail("one"), fail("two"))
    assert.is_false(ok)
    assert.same({ "one", "two" }, err.errors)
    assert.matches("2 tasks failed:\n  1. one\n  2. two", tostring(err))
  end)

  it("raises the first error, after its own functions have unwound", function()
    local closed = false
    local ok, err = pcall(rt.join, function()
      rt.sleep(0.001)
      error("bad", 0)
    end, function()
      local guard <close> = setmetatable({}, {
        __close = function()
          closed = true
        end,
      })
      rt.sleep(60)
      return guard
    end)
    assert.is_false(ok)
    assert.equal("bad", err)
    assert.is_true(closed)
  end)

  it("raises at once, whichever fails first; tasks of the caller go on", function()
    local slow = rt.spawn_local(rt.sleep, 60)
    local closed = 0
    local function stuck()
      local guard <close> = setmetatable({}, {
        __close = function()
          closed = closed + 1
        end,
      })
      rt.sleep(60)
      return guard
    end
    local err = { "an error" }
    local fails = rt.spawn_local(function()
      rt.sleep(0.001)
      error(err)
    end)
    local start = rt.now()
    assert.same({ false, err }, { pcall(rt.join, slow, stuck, fails, stuck) })
    assert.equal(err, select(2, pcall(rt.join, stuck, slow, fails)))
    assert.is_true(rt.now() - start < 5 * kit.slow)
    assert.equal(3, closed)
    assert.equal("waiting", slow:status())
    slow:cancel()
    assert.matches("cancelled", kit.refused(rt.join, rt.yield, slow))
  end)

  it(
    "when it is called off itself, its functions are cancelled and tasks of the caller go on",
    function()
      local other, inner = rt.spawn_local(rt.sleep, 60), nil
      local _, why = rt.timeout(0.2 * kit.slow, rt.join, other, function()
        inner = rt.current()
        rt.sleep(60)
      end)
      assert.equal("timeout", why)
      rt.yield()
      assert.equal("cancelled", inner:status())
      assert.equal("waiting", other:status())
      other:cancel()
    end
  )

  it("the same task twice, those that have ended, and none", function()
    local t = rt.spawn_local(tostring, 7)
    assert.same({ "7", "7" }, { rt.join(t, t) })
    assert.same({ "7" }, { rt.join(t) })
    assert.same({ n = 2 }, table.pack(rt.join(rt.yield, rt.yield)))
  end)

  it("its functions and that of run were spawned where it was called", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local function fail()
      error("it fails")
    end
    local here = debug.getinfo(1, "l").currentline
    local function where(f, ...)
      local g <const>, args <const> = f, { ... }
      local _, trace = xpcall(function()
        g(table.unpack(args)) -- here + 4
      end, rt.traceback)
      return trace
    end
    local site = "in task %d+, spawned at [^\n]*task_spec.lua:" .. here + 4 .. "\n"
    assert.matches(site, where(rt.join, rt.yield, fail))
    assert.matches(site, where(rt.run, fail))
    local function in_scope(how)
      return function(f)
        return where(rt.scope, function(s)
          s[how](s, f)
        end)
      end
    end
    local within = "in task %d+, spawned at [^\n]*task_spec.lua:%d+\n"
    assert.matches(within, in_scope("spawn_local")(fail))
    assert.matches(within, in_scope("spawn")(fail))
  end)

  it("refuses oneself, and what is neither task nor function", function()
    assert.matches("a task cannot join itself", kit.refused(rt.join, rt.yield, rt.current()))
    assert.matches("task or function expected, got FILE%*", kit.refused(rt.join, io.stdin))
    assert.matches(
      "bad argument #2 to 'join' %(task or function expected, got number%)",
      kit.refused(rt.join, print, 5)
    )
  end)
end)

describe("cancel:", function()
  it("a queued task never runs", function()
    local ran = false
    local task = rt.spawn_local(function()
      ran = true
    end)
    assert.is_true(task:cancel("not needed"))
    assert.equal("cancelled", task:status())
    rt.sleep(0.005)
    assert.is_false(ran)
    local ok, err = pcall(task.join, task)
    assert.is_false(ok)
    assert.equal(rt.Cancelled, getmetatable(err))
    assert.equal("not needed", err.reason)
    assert.equal("cancelled: not needed", tostring(err))
  end)

  it("a waiting task is unwound, and every later checkpoint raises again", function()
    local log = {}
    local task = rt.spawn_local(function()
      local guard <close> = setmetatable({}, {
        __close = function()
          log[#log + 1] = "closed"
        end,
      })
      log[#log + 1] = tostring(select(2, pcall(rt.sleep, 60)))
      log[#log + 1] = tostring(select(2, pcall(rt.sleep, 60)))
      log[#log + 1] = tostring(select(2, pcall(rt.yield)))
      rt.sleep(60)
      log[#log + 1] = "not reached"
      return guard
    end)
    rt.yield()
    task:cancel("enough")
    pcall(task.join, task)
    assert.same({ "cancelled: enough", "cancelled: enough", "cancelled: enough", "closed" }, log)
    assert.equal("cancelled", task:status())
    assert.is_false(task:cancel())
  end)

  it("a result that is there wins", function()
    local task = rt.spawn_local(function()
      return 5
    end)
    rt.yield()
    assert.is_false(task:cancel())
    assert.equal(5, task:join())
  end)
end)
