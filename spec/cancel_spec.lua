--- Every way to call off a wait, with every operation that waits: it ends at once, the cleanup has
--- run, and on the other side nothing has happened.
local kit = require("kit")
local rt = require("rt")

--- What a task does that waits for ever, and how to see that it consumed nothing. Each is a
--- function of its own state: `prepare` returns what the waiter and the check get.
local operations = {
  sleep = [[
    function prepare() end
    function wait() rt.sleep(1000) end
    function check() end
  ]],
  ["join of a local task"] = [[
    function prepare() end
    function wait() local t <close> = ender(rt.spawn_local(rt.sleep, 1000)) t.task:join() end
    function check() end
  ]],
  ["join of a task of the pool"] = [[
    function prepare() return rt.channel(0) end
    function wait(gate) local t <close> = ender(rt.spawn(function() gate:recv() end)) t.task:join() end
    function check() end
  ]],
  recv = [[
    function prepare() return pair() end
    function wait(a, b) a:recv() end
    function check(a, b) b:write("kept\n") assert(a:read("l") == "kept") end
  ]],
  ["read of a line"] = [[
    function prepare() local a, b = pair() b:write("half a ") return a, b end
    function wait(a, b) a:read("l") end
    function check(a, b) b:write("line\n") assert(a:read("l") == "half a line") end
  ]],
  ["write to a peer that does not read"] = [[
    function prepare() return pair() end
    function wait(a, b) while true do a:write(("x"):rep(100000)) end end
    function check(a, b) assert(#b:recv() > 0) end
  ]],
  accept = [[
    function prepare() return assert(rt.tcp.listen("127.0.0.1", 0)) end
    function wait(l) l:accept() end
    function check(l)
      local _, port = l:sock()
      local c = assert(rt.tcp.connect("127.0.0.1", port))
      local s = l:accept()
      c:write("x")
      assert(s:recv() == "x")
    end
  ]],
  ["recv of a channel"] = [[
    function prepare() return rt.channel(0) end
    function wait(ch) ch:recv() end
    function check(ch)
      local t = rt.spawn_local(function() return ch:recv() end)
      rt.yield()
      ch:send("kept")
      assert(t:join() == "kept")
    end
  ]],
  ["send to a channel"] = [[
    function prepare() return rt.channel(0) end
    function wait(ch) ch:send("not sent") end
    function check(ch) assert(select(2, ch:try_recv()) == "empty") end
  ]],
  ["recv of a channel that a task of the pool has"] = [[
    function prepare()
      local ch, go = rt.channel(0), rt.channel(0)
      rt.spawn(function() go:recv() ch:send("kept") end)
      return ch, go
    end
    function wait(ch) ch:recv() end
    function check(ch, go) go:send(true) assert(ch:recv() == "kept") end
  ]],
  ["a scope"] = [[
    function prepare() end
    function wait() rt.scope(function(s) s:spawn(rt.sleep, 1000) s:spawn_local(rt.sleep, 1000) end) end
    function check() end
  ]],
  ["a race"] = [[
    function prepare() end
    function wait() rt.race(function() rt.sleep(1000) end, function() rt.sleep(1000) end) end
    function check() end
  ]],
  ["rt.join"] = [[
    function prepare() end
    function wait() rt.join(function() rt.sleep(1000) end, function() rt.sleep(1000) end) end
    function check() end
  ]],
  ["inside a generator"] = [[
    function prepare() end
    function wait() for _ in coroutine.wrap(function() rt.sleep(1000) end) do end end
    function check() end
  ]],
  ["an interval"] = [[
    function prepare() local i = rt.interval(1000) i() return i end
    function wait(i) i() end
    function check(i) assert(i.tick == 1) end
  ]],
  ["lock of a mutex"] = [[
    function prepare()
      local m, go = rt.mutex(), rt.semaphore(0)
      local t = rt.spawn_local(function() m:lock() go:acquire() end)
      rt.yield()
      return m, go, t
    end
    function wait(m) m:lock() end
    function check(m, go, t) go:release() t:join() assert(tostring(m) == "rt.mutex (unlocked)") end
  ]],
  ["with a mutex that a task of the pool has"] = [[
    function prepare()
      local m, has, go = rt.mutex(), rt.semaphore(0), rt.semaphore(0)
      rt.spawn(function() m:with(function() has:release() go:acquire() end) end)
      has:acquire()
      return m, go
    end
    function wait(m) m:with(error) end
    function check(m, go) go:release() m:lock():unlock() end
  ]],
  ["acquire of a semaphore"] = [[
    function prepare() return rt.semaphore(2) end
    function wait(s) s:acquire(3) end
    function check(s) assert(tostring(s) == "rt.semaphore (2 available, 0 waiting)") end
  ]],
  ["with a semaphore"] = [[
    function prepare() return rt.semaphore(0) end
    function wait(s) s:with(error) end
    function check(s) s:release() s:with(function() end) assert(#s == 1) end
  ]],
  ["wait for a notify"] = [[
    function prepare() return rt.notify() end
    function wait(n) n:wait() end
    function check(n) n:notify_one() assert(tostring(n) == "rt.notify (notified)") end
  ]],
  ["wait at a barrier"] = [[
    function prepare() return rt.barrier(2) end
    function wait(b) b:wait() end
    function check(b) assert(tostring(b) == "rt.barrier (0 of 2 waiting)") end
  ]],
  ["a once"] = [[
    function prepare() return rt.once() end
    function wait(o) o:get(rt.sleep, 1000) end
    function check(o) assert(o:get(tostring, 1) == "1") end
  ]],
  ["change of a watch"] = [[
    function prepare() local w = rt.watch(1) return w, w:subscribe() end
    function wait(_, watcher) watcher:wait() end
    function check(w, watcher) w:set(2) assert(watcher:wait() == 2) end
  ]],
  ["recv of a subscriber"] = [[
    function prepare() local b = rt.broadcast(1) return b, b:subscribe() end
    function wait(_, s) s:recv() end
    function check(b, s) b:send("kept") assert(s:recv() == "kept") end
  ]],
  ["many waits, each swallowed by pcall"] = [[
    function prepare() return rt.channel(0) end
    function wait(ch)
      for _ = 1, 50 do pcall(rt.sleep, 1000) pcall(ch.recv, ch) end
      error(select(2, pcall(rt.sleep, 1000)), 0)
    end
    function check() end
  ]],
}

local prelude = [[
  local how, where = ...
  local rt = require "rt"
  function pair()
    local l <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = l:sock()
    local c = rt.spawn_local(rt.tcp.connect, "127.0.0.1", port)
    return assert(l:accept()), assert(c:join())
  end
  function ender(task)
    return setmetatable({ task = task }, { __close = function() task:cancel() end })
  end
  local closed, begun = 0, false
  if how == "shutdown" then -- finalizers run newest first: after that which stops the runtime
    at_exit = setmetatable({}, { __gc = function() io.write("closed ", closed, "\n") end })
  end
  local function guard()
    return setmetatable({}, { __close = function() closed = closed + 1 end })
  end
]]

--- The task that waits, in the state of whoever calls it off; and what it is called off by.
local ending = [[
  local function scenario()
    local function waiter(...)
      local g <close> = guard()
      begun = true
      wait(...)
      error("the wait ended by itself")
    end
    local function started(f)
      rt.spawn_local(function()
        while not begun do rt.yield() end
        rt.sleep(0.005)
        f()
      end)
    end
    local args = table.pack(prepare())
    if how == "cancel" then
      local task = rt.spawn_local(waiter, table.unpack(args, 1, args.n))
      started(function() task:cancel("called off") end)
      local ok, err = pcall(task.join, task)
      assert(not ok and err.reason == "called off", tostring(err))
      assert(task:status() == "cancelled")
    elseif how == "timeout" then
      local r, why = rt.timeout(0.01, waiter, table.unpack(args, 1, args.n))
      assert(r == nil and why == "timeout", tostring(why))
    elseif how == "scope" then
      local ok, err = pcall(rt.scope, function(s)
        s:spawn_local(waiter, table.unpack(args, 1, args.n))
        s:spawn(function() rt.sleep(0.01) error("sibling", 0) end)
      end)
      assert(not ok and err == "sibling", tostring(err))
    else
      rt.spawn_local(waiter, table.unpack(args, 1, args.n))
      while not begun do rt.yield() end
      rt.sleep(0.005)
      return
    end
    assert(closed == 1, closed)
    check(table.unpack(args, 1, args.n))
    print("ok")
  end
  scenario()
]]

for _, workers in ipairs { 1, 4 } do
  describe(("G8 with %d workers:"):format(workers), function()
    for _, how in ipairs { "cancel", "timeout", "scope", "shutdown" } do
      for name, operation in pairs(operations) do
        it(("%s calls off %s"):format(how, name), function()
          local path = kit.file(prelude .. operation .. ending)
          local code, out, err = kit.shell(
            ("RT_WORKERS=%d exec env %s %s %s %s"):format(
              workers,
              kit.host_env,
              kit.quote(kit.host),
              path,
              how
            )
          )
          local expected = how == "shutdown" and "closed 1\n" or "ok\n"
          assert.same({ 0, expected, "" }, { code, out, err })
        end)
      end
    end
  end)
end

describe("cancelling, level and order:", function()
  local rt = require("rt")

  it("G7 every checkpoint raises again, until the task ends", function()
    local count = 0
    local task = rt.spawn_local(function()
      for _ = 1, 10 do
        local ok, err = pcall(rt.sleep, 0.001)
        if not ok and err.reason == "why" then
          count = count + 1
        end
      end
      return "ended"
    end)
    rt.yield()
    task:cancel("why")
    assert.equal("ended", (task:join()))
    assert.equal("done", task:status())
    assert.equal(10, count)
  end)

  it("G9 what is given later does not go to who had only given way", function()
    for _, ways in ipairs {
      { rt.channel, 1000, "send", "recv" },
      { rt.semaphore, 0, "release", "acquire" },
    } do
      for n = 100, 140 do -- (some number of operations is too many for one turn)
        local thing = ways[1](ways[2])
        for _ = 1, n do
          thing[ways[3]](thing, 1)
        end
        local task = rt.spawn_local(function()
          for _ = 1, n + 1 do
            thing[ways[4]](thing)
          end
        end)
        rt.spawn_local(function()
          task:cancel()
          thing[ways[3]](thing, 1)
        end)
        assert.matches("cancelled", kit.refused(task.join, task))
        assert.is_true(#thing >= 1, n)
      end
    end
  end)

  it("G9 nor to a select that something else has woken", function()
    local ch = rt.channel(1)
    local other = rt.spawn_local(rt.sleep, 0.001)
    local task = rt.spawn_local(rt.select, ch:recv_op(), other:join_op())
    rt.yield()
    other:join()
    task:cancel()
    ch:send("kept")
    assert.matches("cancelled", kit.refused(task.join, task))
    assert.equal("kept", ch:try_recv())
  end)

  it("says why and who: the reason and the source", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local function who(task, cancel)
      rt.yield()
      local line = debug.getinfo(cancel, "S").linedefined + 1
      cancel(task)
      local _, err = pcall(task.join, task)
      assert.equal("why", err.reason)
      assert.matches("cancel_spec%.lua:" .. line .. "$", err.source)
      return err
    end
    local function cancel(task)
      task:cancel("why")
    end
    who(rt.spawn_local(rt.sleep, 60), cancel)
    local err = who(rt.spawn(rt.sleep, 60), cancel)
    assert.equal(
      err.source,
      rt.spawn(function()
        return err.source
      end):join()
    )
    local child
    pcall(rt.scope, function(s)
      child = s:spawn(rt.sleep, 60)
      s:cancel("why")
    end)
    local _, of_scope = pcall(child.join, child)
    assert.equal("why", of_scope.reason)
    assert.matches("cancel_spec%.lua:%d+$", of_scope.source)
  end)

  it("an error of cleaning up is not lost, nor is what it was cancelled for", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local function careless()
      local guard <close> = setmetatable({}, {
        __close = function()
          error("cannot clean up", 0)
        end,
      })
      rt.sleep(60)
      return guard
    end
    for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
      local task = spawn(careless)
      while task:status() == "queued" do
        rt.yield()
      end
      rt.sleep(0.01)
      task:cancel("enough")
      local ok, trace = xpcall(task.join, function(err)
        assert.equal("cannot clean up", err)
        return rt.traceback(err)
      end, task)
      assert.is_false(ok)
      assert.equal("failed", task:status())
      assert.matches(
        "%(while it was unwound: cancelled by [^\n]*cancel_spec.lua:%d+: enough%)",
        trace
      )
    end
  end)

  it("says so when it is a timeout, a scope or the end", function()
    local errors = {}
    local function catch(...)
      errors[#errors + 1] = select(2, pcall(...))
    end
    rt.timeout(0.001, catch, rt.sleep, 60)
    pcall(rt.scope, function(s)
      s:spawn_local(error, "it fails")
      catch(rt.sleep, 60)
    end)
    assert.same({ "timeout", "rt.timeout" }, { errors[1].reason, errors[1].source })
    assert.same(
      { "another task of the scope has ended it", "rt.scope" },
      { errors[2].reason, errors[2].source }
    )
    local _, out =
      kit.shell(("exec env %s %s %s"):format(
        kit.host_env,
        kit.quote(kit.host),
        kit.file([[
        local rt = require "rt"
        rt.spawn_local(function()
          local _, err = pcall(rt.sleep, 60)
          print(err.reason, err.source)
        end)
        rt.yield()
      ]])
      ))
    assert.equal("the program has ended\trt\n", out)
  end)

  it("what pcall calls was called by who called pcall", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local task = rt.spawn_local(rt.sleep, 60)
    rt.yield()
    pcall(task.cancel, task)
    local _, err = pcall(task.join, task)
    assert.matches("cancel_spec%.lua:%d+$", err.source)
  end)

  it("G7 is idempotent: the first reason counts", function()
    local task = rt.spawn_local(rt.sleep, 60)
    rt.yield()
    assert.is_true(task:cancel("first"))
    assert.is_true(task:cancel("second"))
    local _, err = pcall(task.join, task)
    assert.equal("first", err.reason)
    assert.is_true(getmetatable(err) == getmetatable(err) and tostring(err) == "cancelled: first")
  end)

  it(
    "G9 an operation that has committed returns its result, and the next checkpoint raises",
    function()
      local ch, log = rt.channel(0), {}
      local task = rt.spawn_local(function()
        log[1] = ch:recv()
        log[2] = tostring(select(2, pcall(rt.yield)))
      end)
      rt.yield()
      ch:send("value")
      task:cancel("late")
      task:join()
      assert.same({ "value", "cancelled: late" }, log)
    end
  )

  it("G9 cancel against completion has one outcome, many times, on other workers", function()
    local done, cancelled = 0, 0
    for i = 1, 500 do
      local task = rt.spawn(function()
        return i
      end)
      if i % 3 == 0 then
        rt.yield()
      end
      task:cancel()
      local ok, value = pcall(task.join, task)
      if ok then
        assert.equal(i, value)
        assert.equal("done", task:status())
        done = done + 1
      else
        assert.equal("cancelled", task:status())
        cancelled = cancelled + 1
      end
    end
    assert.equal(500, done + cancelled)
  end)

  it("G22 errors in the cleanup are the error of the task", function()
    local task = rt.spawn_local(function()
      local g <close> = setmetatable({}, {
        __close = function()
          error("in cleanup", 0)
        end,
      })
      rt.sleep(60)
    end)
    rt.yield()
    task:cancel()
    local _, err = pcall(task.join, task)
    assert.equal("in cleanup", err)
    assert.equal("failed", task:status())
  end)

  it("100k tasks in a scope are cancelled and unwound in bounded time", function()
    local n = kit.flavor == "" and 100000 or 5000
    local cpu
    pcall(rt.scope, function(scope)
      for _ = 1, n do
        scope:spawn_local(rt.sleep, 1000)
      end
      rt.yield()
      cpu = os.clock()
      error("now")
    end)
    cpu = os.clock() - cpu
    assert.is_true(cpu < 1.5 * kit.slow, cpu .. " s")
  end)
end)

describe("cleaning up", function()
  it("what does not wait is answered as ever, in a task that is cancelled", function()
    for _, how in ipairs { "spawn_local", "spawn" } do
      local closed, said, begun = rt.channel(1), rt.channel(1), rt.channel(1)
      closed:close()
      local task = rt[how](function()
        local rest <close> = setmetatable({}, {
          __close = function()
            local _, why = closed:try_send(1)
            local _, too = closed:try_recv()
            said:try_send(why, too)
          end,
        })
        begun:send(true)
        rt.sleep(60)
      end)
      begun:recv()
      task:cancel()
      assert.is_false((pcall(task.join, task)))
      assert.same({ "closed", "closed" }, { said:try_recv() })
    end
  end)
end)
