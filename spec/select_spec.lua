local kit = require("kit")
local rt = require("rt")

local function pair()
  local l <close> = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = l:sock()
  local c = rt.spawn_local(rt.tcp.connect, "127.0.0.1", port)
  return assert(l:accept()), assert(c:join())
end

describe("rt.select", function()
  it("does what can be done at once, and says which", function()
    local a, b = rt.channel(1), rt.channel(1)
    b:send("x", 2)
    assert.same({ 2, "x", 2 }, { rt.select(a:recv_op(), b:recv_op()) })
    assert.same({ 1, true }, { rt.select(a:send_op("y"), b:recv_op()) })
    assert.equal("y", (a:recv()))
  end)

  it("waits for the first", function()
    local a, b = rt.channel(0), rt.channel(0)
    rt.spawn(function()
      rt.sleep(0.005)
      b:send("late")
    end)
    assert.same({ 2, "late" }, { rt.select(a:recv_op(), b:recv_op(), rt.sleep_op(10)) })
    rt.spawn_local(function()
      rt.sleep(0.005)
      assert.equal("sent", (a:recv()))
    end)
    assert.same({ 1, true }, { rt.select(a:send_op("sent"), b:recv_op()) })
  end)

  it("G11 the others have consumed nothing", function()
    local full, empty = rt.channel(1), rt.channel(1)
    full:send(1)
    for _ = 1, 100 do
      local i = rt.select(full:send_op(2), empty:recv_op(), rt.sleep_op(0))
      assert.equal(3, i)
    end
    assert.equal(3, (rt.select(full:send_op(2), empty:recv_op(), rt.sleep_op(0.001))))
    assert.equal(1, (full:recv()))
    assert.same({ nil, "empty" }, { full:try_recv() })
    empty:send("kept")
    assert.equal("kept", (empty:recv()))
  end)

  it("G11 is fair among those that can be done", function()
    local a, b, counts = rt.channel(1), rt.channel(1), { 0, 0 }
    for _ = 1, 400 do
      a:try_send(1)
      b:try_send(1)
      local i = rt.select(a:recv_op(), b:recv_op())
      counts[i] = counts[i] + 1
    end
    assert.is_true(counts[1] > 100 and counts[2] > 100, counts[1] .. " and " .. counts[2])
  end)

  it("biased: the first listed", function()
    local a, b = rt.channel(100), rt.channel(100)
    for i = 1, 50 do
      a:send(i)
      b:send(i)
    end
    for _ = 1, 50 do
      assert.equal(1, (rt.select_biased(a:recv_op(), b:recv_op())))
    end
  end)

  it("a default is done when nothing else can be", function()
    local ch = rt.channel(1)
    local recv = ch:recv_op()
    assert.same({ 2 }, { rt.select(recv, rt.default_op()) })
    ch:send("now")
    assert.same({ 1, "now" }, { rt.select(recv, rt.default_op()) })
  end)

  it("operations are values that can be selected again", function()
    local ch, tick = rt.channel(0), rt.sleep_op(0.001)
    local recv = ch:recv_op()
    for _ = 1, 5 do
      assert.equal(2, (rt.select(recv, tick)))
    end
    rt.spawn_local(ch.send, ch, "x")
    assert.same({ 1, "x" }, { rt.select(recv, rt.sleep_op(5)) })
    assert.matches("^rt.operation %(recv of rt.channel", tostring(recv))
  end)

  it("a channel that is closed meanwhile", function()
    local ch, full = rt.channel(0), rt.channel(0)
    rt.spawn_local(function()
      rt.sleep(0.002)
      ch:close()
    end)
    assert.same({ 1, nil, "closed" }, { rt.select(ch:recv_op(), full:send_op(1)) })
    assert.same({ 1, nil, "closed" }, { rt.select(ch:send_op(1)) })
  end)

  it("joins tasks, here and there, and raises their errors", function()
    local here = rt.spawn_local(function()
      rt.sleep(0.002)
      return "here", 1
    end)
    local go = rt.channel()
    local there = rt.spawn(function()
      go:recv()
      error("there", 0)
    end)
    assert.same({ 1, "here", 1 }, { rt.select(here:join_op(), there:join_op()) })
    assert.same({ 1, "here", 1 }, { rt.select(here:join_op()) })
    go:send(true)
    local ok, err = pcall(rt.select, there:join_op(), rt.sleep_op(10))
    assert.same({ false, "there" }, { ok, err })
  end)

  it("accepts and receives", function()
    local l = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = l:sock()
    assert.equal(2, (rt.select(l:accept_op(), rt.sleep_op(0.002))))
    local client = rt.spawn_local(rt.tcp.connect, "127.0.0.1", port)
    local i, s = rt.select(rt.sleep_op(10), l:accept_op())
    assert.equal(2, i)
    local c = client:join()
    assert.equal(1, (rt.select(rt.sleep_op(0.002), s:recv_op())))
    local function received(n, most) -- one or several calls of recv
      local got = ""
      while #got < n do
        local which, part = rt.select(s:recv_op(most and most - #got), rt.sleep_op(10))
        assert.equal(1, which)
        got = got .. part
      end
      return got
    end
    c:write("hello world")
    assert.equal("hello", received(5, 5))
    assert.equal(" world", received(6))
    c:close()
    assert.same({ 1 }, { rt.select(s:recv_op(), rt.sleep_op(10)) })
    s:close()
    l:close()
  end)

  it("G8 a cancel or a timeout withdraws it, and nothing has happened", function()
    local a, b = rt.channel(0), rt.channel(0)
    local r, why = rt.timeout(0.005, rt.select, a:recv_op(), b:send_op("lost"))
    assert.same({ nil, "timeout" }, { r, why })
    assert.same({ nil, "empty" }, { b:try_recv() })
    local task = rt.spawn_local(rt.select, a:recv_op(), b:send_op("lost"))
    rt.yield()
    task:cancel()
    assert.is_false((pcall(task.join, task)))
    local receiver = rt.spawn_local(a.recv, a)
    rt.yield()
    a:send("for the receiver")
    assert.equal("for the receiver", (receiver:join()))
  end)

  it("G11 selects against selects: exactly one commits, nothing is lost or doubled", function()
    local n = kit.flavor == "" and 2000 or 300
    local chans = { rt.channel(0), rt.channel(0), rt.channel(1) }
    local function work(seed)
      math.randomseed(seed)
      local sent, got = 0, 0
      for i = 1, n do
        local x, y = math.random(3), math.random(3)
        local value = seed * 1000000 + i
        local which, v = rt.select(chans[x]:send_op(value), chans[y]:recv_op(), rt.sleep_op(0.002))
        if which == 1 then
          sent = sent + value
        elseif which == 2 then
          got = got + v
        end
      end
      return sent, got
    end
    local tasks = {}
    for i = 1, 6 do
      tasks[i] = (i % 2 == 0 and rt.spawn or rt.spawn_local)(work, i)
    end
    local sent, got = 0, 0
    for i = 1, 6 do
      local s, g = tasks[i]:join()
      sent, got = sent + s, got + g
    end
    for _, ch in ipairs(chans) do
      local v = ch:try_recv()
      while v do
        got = got + v
        v = ch:try_recv()
      end
    end
    assert.equal(sent, got)
  end)

  it("a stale wake-up does nothing to the next wait", function()
    local a, b = rt.channel(0), rt.channel(0)
    for i = 1, 200 do
      local sender = rt.spawn(function()
        a:send(i)
      end)
      local which, v = rt.select(a:recv_op(), b:recv_op())
      assert.same({ 1, i }, { which, v })
      assert.same({ nil, "timeout" }, { rt.timeout(0, b.recv, b) })
      sender:join()
    end
  end)

  it("a lock is a guard, and what the task holds already it cannot wait for", function()
    local m, ch = rt.mutex(5), rt.channel(0)
    local lock = m:lock_op()
    local which, guard = rt.select(ch:recv_op(), lock)
    assert.same({ 2, 5 }, { which, guard:get() })
    assert.matches("deadlock: this task holds", kit.refused(rt.select, lock, ch:recv_op()))
    guard:set(6)
    guard:unlock()
    do
      local _, again <close> = rt.select(lock)
      assert.equal(6, again:get())
      assert.matches("^rt.mutex %(locked by main", tostring(m))
    end
    assert.equal("rt.mutex (unlocked)", tostring(m))
    assert.matches("^rt.operation %(lock of rt.mutex", tostring(lock))
  end)

  it(
    "G8 a lock that was handed over is held, though the task is cancelled at the same time",
    function()
      local m = rt.mutex()
      for _ = 1, 100 do
        local held = m:lock()
        local chosen
        local task = rt.spawn_local(function()
          local _, guard <close> = rt.select(m:lock_op(), rt.sleep_op(100))
          chosen = tostring(guard)
          rt.yield()
        end)
        rt.yield()
        held:unlock()
        task:cancel()
        assert.is_nil((m:try_lock()))
        assert.matches("cancelled", kit.refused(task.join, task))
        assert.equal("rt.guard (locked)", chosen)
        assert.equal("rt.mutex (unlocked)", tostring(m))
      end
    end
  )

  it("permits: a select that asks for several numbers is not in its own way", function()
    local sem = rt.semaphore(0)
    local task = rt.spawn_local(function()
      return rt.select(sem:acquire_op(5), sem:acquire_op(3), sem:acquire_op(1))
    end)
    rt.yield()
    rt.yield()
    sem:release(2)
    assert.equal(3, (task:join()))
    assert.equal("rt.semaphore (1 available, 0 waiting)", tostring(sem))
  end)

  it("G18 ticks: one that was not chosen is still to come, and comes once", function()
    local began, seen = rt.now(), 1
    local interval, ch = rt.interval(0.01), rt.channel(1)
    local tick = interval:tick_op()
    assert.same({ 1, 1 }, { rt.select(tick) }) -- at once
    for i = 1, 20 do
      if i % 2 == 0 then
        ch:send("not the tick")
        assert.equal(1, (rt.select_biased(ch:recv_op(), tick)))
      end
      local task = rt.spawn_local(rt.select, tick, ch:recv_op())
      rt.yield()
      task:cancel()
      pcall(task.join, task)
      seen = seen + 1
      local which, n = rt.select(ch:recv_op(), tick)
      assert.same({ 2, interval.tick }, { which, n })
      seen = n
    end
    assert.is_true(rt.now() - began >= (seen - 1) * 0.01 - 0.0001) -- never early
    assert.equal(seen + 1, interval())
    assert.matches("^rt.operation %(tick of rt.interval", tostring(tick))
    assert.matches("rt.interval expected", kit.refused(interval.tick_op, {}))
  end)

  it("G18 ticks: one that another task has taken is not looked for every millisecond", function()
    local interval = rt.interval(0.2)
    interval()
    local function take()
      rt.select(interval:tick_op())
    end
    local before = rt.metrics().main.timers
    rt.join(take, take)
    assert.is_true(rt.metrics().main.timers - before < 20)
  end)

  it("G18 ticks: two that select on one interval get different ticks", function()
    local interval, got = rt.interval(0.001), {}
    local function collect()
      for _ = 1, 20 do
        local _, n = rt.select(interval:tick_op(), rt.sleep_op(100))
        got[n] = (got[n] or 0) + 1
      end
    end
    rt.join(collect, collect)
    for i = 1, 40 do
      assert.equal(1, got[i])
    end
  end)

  it("a task cannot wait for its own end", function()
    local function wait_for_itself()
      local rt = require("rt")
      return select(2, pcall(rt.select, rt.current():join_op(), rt.sleep_op(0.01)))
    end
    for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
      assert.matches("a task cannot join itself", spawn(wait_for_itself):join())
    end
  end)

  it("bad arguments", function()
    assert.matches("operation expected, got no value", kit.refused(rt.select))
    assert.matches("operation expected, got number", kit.refused(rt.select, rt.sleep_op(1), 5))
    assert.matches("number expected", kit.refused(rt.sleep_op))
    local x, y = pair()
    x:close()
    assert.matches("closed stream", kit.refused(x.recv_op, x))
    y:close()
  end)
end)

--- Operations that can happen once. `make` makes the object, `op` the operation; `ready` makes it
--- possible once; `take` does the same without a select and without waiting, and returns whether it
--- could; `undo` is called after a select has done it.
--- The guards of the locks that are held here, by mutex.
local guards = setmetatable({}, { __mode = "k" })

local operations = {
  {
    "receive",
    make = function()
      return rt.channel(1)
    end,
    op = function(ch)
      return ch:recv_op()
    end,
    ready = function(ch)
      ch:send("value")
    end,
    take = function(ch)
      return ch:try_recv() == "value"
    end,
  },
  {
    "receive from a sender that waits",
    make = function()
      return rt.channel(0)
    end,
    op = function(ch)
      return ch:recv_op()
    end,
    ready = function(ch)
      rt.spawn_local(ch.send, ch, "value")
      rt.yield()
    end,
    take = function(ch)
      return ch:try_recv() == "value"
    end,
  },
  {
    "send",
    make = function()
      local ch = rt.channel(1)
      ch:send("full")
      return ch
    end,
    op = function(ch)
      return ch:send_op("value")
    end,
    ready = function(ch)
      assert(ch:try_recv())
    end,
    take = function(ch)
      return ch:try_send("value") == true
    end,
  },
  {
    "send more bytes",
    make = function()
      local ch = rt.channel(4, { bytes = 50 })
      ch:send(("full "):rep(8))
      return ch
    end,
    op = function(ch)
      return ch:send_op(("value"):rep(8))
    end,
    ready = function(ch)
      assert(ch:try_recv())
    end,
    take = function(ch)
      return ch:try_send(("value"):rep(8)) == true
    end,
  },
  {
    "acquire",
    make = function()
      return rt.semaphore(1, 3)
    end,
    op = function(sem)
      return sem:acquire_op(3)
    end,
    ready = function(sem)
      sem:release(2)
    end,
    take = function(sem)
      if #sem ~= 3 or not sem:try_acquire(3) then
        return false
      end
      sem:release()
      return true
    end,
    undo = function(sem)
      sem:release()
    end,
  },
  {
    "lock",
    make = function()
      local m = rt.mutex("value")
      guards[m] = m:lock()
      return m
    end,
    op = function(m)
      return m:lock_op()
    end,
    ready = function(m)
      m:unlock()
    end,
    take = function(m)
      guards[m] = m:try_lock()
      return guards[m] and true
    end,
    undo = function(m, guard)
      assert(guard:get() == "value" and not m:try_lock())
      guard:unlock()
    end,
    done = function(m)
      guards[m] = m:lock()
    end,
  },
  {
    "wait for a notification",
    make = rt.notify,
    op = function(n)
      return n:wait_op()
    end,
    ready = function(n)
      n:notify_one()
    end,
    take = function(n)
      return rt.timeout(0, n.wait, n) == true
    end,
  },
  {
    "wait for another value",
    make = function()
      local w = rt.watch("old")
      return { watch = w, watcher = w:subscribe() }
    end,
    op = function(it)
      return it.watcher:recv_op()
    end,
    ready = function(it)
      it.watch:set("value")
    end,
    take = function(it)
      return rt.timeout(0, it.watcher.recv, it.watcher) == "value"
    end,
  },
  {
    "receive what everybody does",
    make = function()
      local b = rt.broadcast(4)
      return { broadcast = b, subscriber = b:subscribe() }
    end,
    op = function(it)
      return it.subscriber:recv_op()
    end,
    ready = function(it)
      it.broadcast:send("value")
    end,
    take = function(it)
      return it.subscriber:try_recv() == "value"
    end,
  },
  {
    "join a task of the pool",
    once = true,
    make = function()
      local ch = rt.channel(0)
      local task = rt.spawn(function()
        return ch:recv()
      end)
      return { task = task, ch = ch }
    end,
    op = function(it)
      return it.task:join_op()
    end,
    ready = function(it)
      it.ch:send("value")
      it.task:join()
    end,
    take = function(it)
      return rt.timeout(0, it.task.join, it.task) == "value"
    end,
  },
  {
    "join a task of this state",
    here = true,
    once = true,
    make = function()
      local ch = rt.channel(0)
      return { task = rt.spawn_local(ch.recv, ch), ch = ch }
    end,
    op = function(it)
      return it.task:join_op()
    end,
    ready = function(it)
      it.ch:send("value")
      it.task:join()
    end,
    take = function(it)
      return rt.timeout(0, it.task.join, it.task) == "value"
    end,
  },
  {
    "accept",
    here = true,
    make = function()
      return assert(rt.tcp.listen("127.0.0.1", 0))
    end,
    op = function(l)
      return l:accept_op()
    end,
    ready = function(l)
      local _, port = l:sock()
      assert(rt.tcp.connect("127.0.0.1", port)):close()
    end,
    take = function(l)
      local stream = rt.timeout(10, l.accept, l)
      return stream and stream:close() == nil
    end,
    undo = function(_, stream)
      stream:close()
    end,
  },
  {
    "read",
    here = true,
    alone = true, -- one reader at a time
    make = function()
      local x, y = pair()
      return { x = x, y = y }
    end,
    op = function(it)
      return it.x:recv_op()
    end,
    ready = function(it)
      it.y:write("v") -- one byte, because of more a part may be read
    end,
    take = function(it)
      return rt.timeout(10, it.x.recv, it.x) == "v"
    end,
  },
}

local spawners = { { "a task of this state", rt.spawn_local }, { "one of the pool", rt.spawn } }

--- Does the operation, or quits; if both are possible, it quits.
local function choose(it, op, quit, undo, biased)
  local which, value
  if biased then
    which, value = rt.select_biased(quit:acquire_op(), op(it))
    which = 3 - which
  else
    which, value = rt.select(op(it), quit:acquire_op())
  end
  if which == 1 and undo then
    undo(it, value)
  end
  return which == 1 and "done" or "quit"
end

for _, spawner in ipairs(spawners) do
  local function waiting(o, it, quit)
    local task = spawner[2](choose, it, o.op, quit, o.undo)
    kit.wait_for(function()
      return tostring(quit):find("1 waiting") -- its last operation is armed
    end, 20, "the task to wait")
    return task
  end
  local function each(f)
    for _, o in ipairs(operations) do
      if not o.here or spawner[2] == rt.spawn_local then
        f(o, o.make(), rt.semaphore(0))
      end
    end
  end

  describe("rt.select in " .. spawner[1] .. ", for every operation:", function()
    it("waits for it, and does it, again and again", function()
      each(function(o, it, quit)
        for _ = 1, o.once and 1 or 3 do
          local task = waiting(o, it, quit)
          o.ready(it)
          assert.equal("done", task:join(), o[1])
          if o.done then
            o.done(it)
          end
        end
      end)
    end)

    it("G11 has not done it when it did another, whether it could or not", function()
      each(function(o, it, quit)
        for round = 1, o.once and 1 or 3 do
          if round % 2 == 1 then
            local task = waiting(o, it, quit)
            quit:release()
            assert.equal("quit", task:join(), o[1])
            o.ready(it)
          else
            o.ready(it)
            quit:release()
            local task = spawner[2](choose, it, o.op, quit, o.undo, true)
            assert.equal("quit", task:join(), o[1])
          end
          assert.is_true(o.take(it), o[1])
        end
      end)
    end)

    it("G8 has not done it when it was cancelled, or timed out", function()
      each(function(o, it, quit)
        local task = waiting(o, it, quit)
        task:cancel()
        assert.is_false(pcall(task.join, task))
        local timed = spawner[2](rt.timeout, 0.002, choose, it, o.op, quit, o.undo)
        assert.same({ nil, "timeout" }, { timed:join() }, o[1])
        o.ready(it)
        assert.is_true(o.take(it), o[1])
        assert.equal("rt.semaphore (0 available, 0 waiting)", tostring(quit))
      end)
    end)

    it("G19 is not in the way of those behind it when it has gone", function()
      each(function(o, it, quit)
        if o.alone then
          return
        end
        local first = waiting(o, it, quit)
        local second = waiting(o, it, rt.semaphore(0))
        first:cancel()
        assert.is_false(pcall(first.join, first))
        o.ready(it)
        assert.equal("done", second:join(), o[1])
      end)
    end)
  end)
end

describe("rt.select in a finalizer", function()
  it("refuses operations on objects that were finalized before", function()
    local code, out, err = kit.run(kit.program("finalized_objects"))
    assert.same({ 0, "" }, { code, err })
    for _, name in ipairs { "channel", "mutex", "job" } do
      assert.matches(name .. "\tfalse\tbad argument #1 to .*it has been finalized", out)
    end
  end)
end)

describe("rt.select with a seed", function()
  it("G11 chooses by the seed: the same one, the same choices", function()
    local function run(seed)
      local code, out, err = kit.run(kit.program("choices_by_seed"), seed)
      assert.same({ 0, "" }, { code, err })
      return out
    end
    local out = run(5)
    assert.equal(out, run(5))
    assert.not_equal(out, run(6))
    local here, there = out:match("^(%d+)\t(%d+)\n$")
    assert.not_equal(here, there)
    assert.matches("an integer other than 0", kit.refused(require("rt").configure, { seed = 0 }))
  end)
end)
