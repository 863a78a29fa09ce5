local kit = require("kit")
local rt = require("rt")

--- By how many seconds a task may be late on a busy machine.
local LATE = 0.1

describe("sleep:", function()
  it("G17 is never early, and rounds up to a millisecond", function()
    for _, s in ipairs { 0.0000001, 0.0005, 0.001, 0.0015, 0.002, 0.0101, 0.033 } do
      for _ = 1, 5 do
        kit.in_time(LATE, function()
          local t = rt.now()
          rt.sleep(s)
          local took = rt.now() - t
          assert.is_true(took >= s, ("sleep(%g) took %g"):format(s, took))
          return took - s
        end)
      end
    end
  end)

  local function many_sleepers()
    local log = {}
    local function sleeper(s)
      local due = rt.now() + s
      rt.sleep(s)
      log[#log + 1] = { at = rt.now(), due = due }
    end
    local tasks = {}
    for i = 1, 2000 do
      -- whole milliseconds: several sleeps have the same deadline
      tasks[i] = rt.spawn_local(sleeper, ((i * 7919) % 40 + 1) / 1000 * 5)
    end
    for i = 1, 2000 do
      tasks[i]:join()
    end
    assert.equal(2000, #log)
    local disorder = 0
    for k, e in ipairs(log) do
      assert.is_true(e.at >= e.due)
      if k > 1 and log[k - 1].due > e.due + 0.002 then -- deadlines are rounded to milliseconds
        disorder = disorder + 1
      end
    end
    return disorder
  end

  it("G17 many tasks: none early, ended in the order of their deadlines", function()
    kit.eventually(function()
      local disorder = many_sleepers()
      return disorder <= 2, disorder -- tasks that were delayed between two readings of the clock
    end)
  end)

  it("G17 ties end in call order", function()
    local log, tasks = {}, {}
    rt.sleep(0.001) -- at the beginning of a tick
    for i = 1, 50 do
      tasks[i] = rt.spawn_local(function()
        rt.sleep(0.05)
        log[#log + 1] = i
      end)
    end
    for i = 1, 50 do
      tasks[i]:join()
    end
    local inversions = 0
    for i = 2, 50 do
      if log[i] < log[i - 1] then
        inversions = inversions + 1
      end
    end
    assert.equal(0, inversions)
  end)

  it("G17 zero and negative are one yield", function()
    for _, s in ipairs { 0, -1, -math.huge, -0.0 } do
      local ran = false
      rt.spawn_local(function()
        ran = true
      end)
      rt.sleep(s)
      assert.is_true(ran)
    end
  end)

  it("G17 huge is never", function()
    for _, s in ipairs { math.huge, 1e300, 2 ^ 63, math.maxinteger, 1e10 } do
      local task = rt.spawn_local(rt.sleep, s)
      rt.sleep(0.003)
      assert.equal("waiting", task:status())
      task:cancel()
      assert.is_false(pcall(task.join, task))
    end
  end)

  it("NaN and wrong types are refused", function()
    assert.matches("got NaN", kit.refused(rt.sleep, 0 / 0))
    assert.matches("number expected, got no value", kit.refused(rt.sleep))
    assert.matches("number expected, got table", kit.refused(rt.sleep, {}))
    assert.matches("number expected, got string", kit.refused(rt.sleep, "soon"))
  end)

  it("a hundred thousand sleepers come and go", function()
    local n, tasks = math.floor(100000 / kit.slow), {}
    local log = 0
    for i = 1, n do
      tasks[i] = rt.spawn_local(function()
        rt.sleep(i % 50 == 0 and 0.02 or 1000)
        log = log + 1
      end)
    end
    while tasks[n]:status() == "queued" do
      rt.yield()
    end
    for i = 1, n do
      if i % 50 ~= 0 then
        tasks[i]:cancel()
      end
    end
    for i = 1, n do
      pcall(tasks[i].join, tasks[i])
    end
    assert.equal(n // 50, log)
  end)

  it("works at the top level, and tasks run meanwhile", function()
    local code, out = kit.run(kit.program("top_level"))
    assert.equal(0, code)
    assert.equal("1 2 3 end\n", out)
  end)
end)

describe("interval:", function()
  it("G18 ticks at once and then by the period", function()
    kit.in_time(LATE, function()
      local base, late = rt.now(), 0
      for tick in rt.interval(0.02) do
        local off = rt.now() - base - (tick - 1) * 0.02
        assert.is_true(off >= -1e-6)
        late = math.max(late, off)
        if tick == 4 then
          return late
        end
      end
    end)
  end)

  local function busy(seconds)
    local t = rt.now()
    while rt.now() - t < seconds do
    end
  end

  local function ticks_after_delay(missed)
    local base = rt.now()
    local interval = rt.interval(0.05, { missed = missed })
    interval()
    busy(0.17) -- the ticks of 50, 100 and 150 ms are late
    local at, late = {}, rt.now() - base
    for i = 1, 4 do
      interval()
      at[i] = rt.now() - base
    end
    return at, late
  end

  it("G18 burst: late ticks come at once, until it has caught up", function()
    kit.in_time(LATE, function()
      local at = ticks_after_delay("burst")
      assert.is_true(at[4] >= 0.2 - 1e-6)
      return math.max(at[3] - 0.2, at[3] - at[1] - 0.03)
    end)
  end)

  it("G18 delay: after a late tick the period begins anew", function()
    local at, late = ticks_after_delay("delay")
    for i = 1, 4 do
      assert.is_true(at[i] >= late + (i - 1) * 0.05 - 1e-6)
    end
  end)

  it("G18 skip: late ticks are left out, the beat is kept", function()
    kit.in_time(LATE, function()
      local at, late = ticks_after_delay("skip")
      assert.is_true(at[1] >= late)
      for i = 2, 4 do
        assert.is_true(at[i] >= 0.2 + (i - 2) * 0.05 - 1e-6)
      end
      return at[4] - 0.3
    end)
  end)

  it("G18 each tick is of one task, in whatever way they wait", function()
    local base, interval, tasks, ticks = rt.now(), rt.interval(0.01), {}, {}
    local function wait_twice(by_select)
      for _ = 1, 2 do
        local tick = by_select and select(2, rt.select(interval:tick_op())) or interval()
        ticks[#ticks + 1] = { tick, rt.now() - base }
      end
    end
    for i = 1, 6 do
      tasks[i] = rt.spawn_local(wait_twice, i % 2 == 0)
    end
    rt.join(table.unpack(tasks))
    assert.equal(12, #ticks)
    for i, tick in ipairs(ticks) do
      assert.equal(i, tick[1])
      assert.is_true(tick[2] >= (i - 1) * 0.01 - 1e-6)
    end
  end)

  it("G18 a cancelled wait loses no tick", function()
    kit.eventually(function()
      local interval = rt.interval(0.03)
      assert.equal(1, interval())
      local a, b = rt.timeout(0.002, function()
        return interval()
      end)
      local is_cancelled = a == nil -- else the tick came before the timeout
      assert.equal(is_cancelled and "timeout" or nil, b)
      assert.equal(is_cancelled and 2 or 3, interval())
      assert.equal(is_cancelled and 3 or 4, interval())
      return is_cancelled
    end)
  end)

  it("G18 a period that is not above 0 raises, and so does what is no policy", function()
    for _, period in ipairs { 0, -1, 0 / 0 } do
      assert.matches("a period above 0 expected", kit.refused(rt.interval, period))
    end
    assert.matches("a finite period expected", kit.refused(rt.interval, math.huge))
    assert.matches("number expected, got no value", kit.refused(rt.interval))
    assert.matches("number expected, got string", kit.refused(rt.interval, "1"))
    assert.matches("missed", kit.refused(rt.interval, 1, { missed = "never" }))
    assert.matches("unknown option 'mised'", kit.refused(rt.interval, 1, { mised = "skip" }))
    assert.matches("table expected", kit.refused(rt.interval, 1, "skip"))
  end)

  it("says what it is", function()
    assert.matches("^rt.interval %(every 2 s", tostring(rt.interval(2)))
  end)
end)

describe("timeout:", function()
  it("returns the results of what ends in time", function()
    assert.same(
      { 1, nil, 3, n = 3 },
      table.pack(rt.timeout(60, function(...)
        return ...
      end, 1, nil, 3))
    )
    assert.equal(
      "late",
      rt.timeout(60, function()
        rt.sleep(0.005)
        return "late"
      end)
    )
  end)

  it('gives nil, "timeout" for what does not, after its cleanup', function()
    kit.in_time(0.01 + LATE, function()
      local closed = false
      local t = rt.now()
      local a, b = rt.timeout(0.01, function()
        local guard <close> = setmetatable({}, {
          __close = function()
            closed = true
          end,
        })
        rt.sleep(60)
        return guard
      end)
      assert.is_nil(a)
      assert.equal("timeout", b)
      assert.is_true(closed)
      assert.is_true(rt.now() - t >= 0.01)
      return rt.now() - t
    end)
  end)

  it("G10 a result that is ready wins, whatever the time", function()
    for _, s in ipairs { 0, -1, 0.0000001 } do
      assert.equal(
        "ready",
        rt.timeout(s, function()
          return "ready"
        end)
      )
      local done = rt.spawn_local(function()
        return 9
      end)
      rt.yield()
      assert.equal(9, rt.timeout(s, done.join, done))
    end
    assert.equal("timeout", select(2, rt.timeout(0, rt.sleep, 1)))
  end)

  it("G10 nested: the earlier deadline rules, and each is told apart", function()
    local log = {}
    local a, b = rt.timeout(60, function()
      log[1] = select(2, rt.timeout(0.005, rt.sleep, 60))
      return "outer goes on"
    end)
    assert.equal("outer goes on", a)
    assert.is_nil(b)
    assert.equal("timeout", log[1])
    local inner_returned = false
    a, b = rt.timeout(0.005, function()
      rt.timeout(60, rt.sleep, 60)
      inner_returned = true
    end)
    assert.is_nil(a)
    assert.equal("timeout", b)
    assert.is_false(inner_returned)
  end)

  it('G10 a value nil, "timeout" of the function\'s own is just a value', function()
    local a, b, c = rt.timeout(60, function()
      return nil, "timeout", "mine"
    end)
    assert.is_nil(a)
    assert.equal("timeout", b)
    assert.equal("mine", c)
  end)

  it("raises the errors of the function", function()
    local object = {}
    local ok, err = pcall(rt.timeout, 1, error, object)
    assert.is_false(ok)
    assert.equal(object, err)
    ok, err = pcall(rt.timeout, 60, function()
      rt.sleep(0.001)
      error("after a wait", 0)
    end)
    assert.is_false(ok)
    assert.equal("after a wait", err)
  end)

  it("a pcall inside cannot swallow it", function()
    local n = 0
    local a, b = rt.timeout(0.005, function()
      while n < 5 do
        pcall(rt.sleep, 60)
        n = n + 1
      end
      rt.sleep(60)
    end)
    assert.is_nil(a)
    assert.equal("timeout", b)
    assert.equal(5, n)
  end)

  it("in the main chunk, in tasks, and inside coroutines", function()
    local function check()
      assert(select(2, rt.timeout(0.003, rt.sleep, 60)) == "timeout")
      local co = coroutine.wrap(function()
        coroutine.yield(select(2, rt.timeout(0.003, rt.sleep, 60)))
        coroutine.yield((rt.timeout(60, function()
          rt.sleep(0.001)
          return "ok"
        end)))
      end)
      assert(co() == "timeout")
      assert(co() == "ok")
    end
    check()
    rt.run(check)
  end)

  it("a generator cannot yield out of one that it opened, only inside of its consumer's", function()
    local function check()
      local g = coroutine.wrap(function()
        rt.timeout(60, coroutine.yield, 1)
      end)
      assert(kit.refused(g):match("attempt to yield out of a timeout"))
      local h = coroutine.wrap(function()
        for i = 1, 3 do
          coroutine.yield((rt.timeout(60, function()
            rt.yield()
            return i
          end)))
        end
      end)
      assert(h() == 1)
      assert(rt.timeout(60, h) == 2)
      assert(h() == 3)
    end
    check()
    rt.run(check)
  end)

  it("one that a coroutine was left in, by a yield that rt does not know, harms nobody", function()
    if kit.in_rt_lua then
      return -- rt-lua replaces coroutine.yield before the program begins
    end
    local code, out, err = kit.run(kit.program("left_open"))
    assert.same({ 0, "", ("end\n"):rep(3) }, { code, err, (out:gsub("\tnil", "")) })
  end)

  it("refuses wrong arguments", function()
    assert.matches("got NaN", kit.refused(rt.timeout, 0 / 0, print))
    assert.matches("function expected", kit.refused(rt.timeout, 1))
    assert.matches("number expected", kit.refused(rt.timeout, print, 1))
  end)

  it("many that do not expire leave nothing behind", function()
    local function f()
      return 1
    end
    for _ = 1, 10000 do
      rt.timeout(1000, f)
    end
    assert.equal(1, rt.timeout(1000, f))
  end)
end)

describe("now:", function()
  it("is monotonic, in seconds", function()
    local before = rt.now()
    for _ = 1, 1000 do
      local t = rt.now()
      assert.is_true(t >= before)
      before = t
    end
    kit.in_time(LATE, function()
      local began = rt.now()
      rt.sleep(0.05)
      return math.abs(rt.now() - began - 0.05)
    end)
  end)
end)
