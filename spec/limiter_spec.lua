--- rt.limiter: tokens that come at a rate.
local kit = require("kit")
local rt = require("rt")
local spin = require("spin")
local task_kit = require("task_kit")

local becomes, settle = task_kit.becomes, task_kit.settle

describe("rt.limiter", function()
  it("has `burst` tokens at first, and gets `rate` of them a second, up to `burst`", function()
    local limiter = rt.limiter { rate = 0.001, burst = 5 }
    assert.equal(5, limiter:available())
    assert.is_true(limiter:try_acquire(3))
    assert.is_true(limiter:acquire())
    assert.is_nil((limiter:try_acquire(2)))
    assert.is_true(limiter:try_acquire())
    assert.is_nil((limiter:try_acquire()))
    assert.equal("rt.limiter (0.001 a second, 0 available, 0 waiting)", tostring(limiter))
    local quick = rt.limiter { rate = 1000, burst = 3 }
    quick:acquire(3)
    rt.sleep(0.02)
    assert.equal(3, quick:available())
    assert.is_true(rt.limiter({ rate = 1e-3 }):try_acquire())
  end)

  it("G17 a wait is never too short", function()
    local limiter = rt.limiter { rate = 200, burst = 2 }
    local began = rt.now()
    for i = 1, 12 do
      limiter:acquire(i % 2 + 1)
    end
    assert.is_true(rt.now() - began >= 16 / 200)
  end)

  it("in the long run the rate is exact, also above 1000 a second and with pauses", function()
    local code, out, err = kit.run(kit.program("rates"))
    assert.same({ 0, "right\n" }, { code, out }, err)
  end)

  it("tokens that come while a task waits are not lost, though it is served late", function()
    kit.eventually(function()
      local limiter = rt.limiter { rate = 50 }
      limiter:acquire()
      local waiting = rt.spawn_local(limiter.acquire, limiter)
      rt.yield()
      local waits = tostring(limiter):find("1 waiting", 1, true)
      local till = rt.now() + 0.05
      while rt.now() < till do
        spin.once() -- no timer of this state fires
      end
      limiter:try_acquire()
      waiting:join()
      return waits and limiter:try_acquire() -- the second of the two tokens
    end)
  end)

  it("G19 tasks get their tokens in the order in which they came, many or few", function()
    local limiter, log = rt.limiter { rate = 500, burst = 4 }, {}
    limiter:acquire(4)
    local tasks = {}
    for i, n in ipairs { 4, 1, 2, 1 } do
      tasks[i] = rt.spawn_local(function()
        limiter:acquire(n)
        log[#log + 1] = n
      end)
    end
    for _, task in ipairs(tasks) do
      task:join()
    end
    assert.same({ 4, 1, 2, 1 }, log)
  end)

  it("G19 a task that wants few tokens does not overtake one that wants many", function()
    local limiter = rt.limiter { rate = 1e-6, burst = 4 }
    limiter:acquire(3)
    local big = rt.spawn_local(limiter.acquire, limiter, 4)
    settle()
    assert.is_nil((limiter:try_acquire()))
    local small = rt.spawn_local(limiter.acquire, limiter)
    settle()
    assert.equal("rt.limiter (1e-06 a second, 0 available, 2 waiting)", tostring(limiter))
    big:cancel()
    assert.is_true(small:join())
    assert.is_nil((limiter:try_acquire()))
  end)

  it("G8 a wait that is cancelled or timed out takes nothing, and those behind move up", function()
    local limiter = rt.limiter { rate = 4, burst = 100 }
    limiter:acquire(100)
    local began = rt.now()
    local big = rt.spawn_local(limiter.acquire, limiter, 100)
    becomes(limiter, "1 waiting")
    local here = rt.spawn_local(limiter.acquire, limiter)
    becomes(limiter, "2 waiting")
    local there = rt.spawn(function()
      return limiter:acquire()
    end)
    becomes(limiter, "3 waiting")
    big:cancel()
    here:join()
    there:join()
    assert.is_true(rt.now() - began < 20) -- (the big one was due after 25 s)
    assert.same({ nil, "timeout" }, { rt.timeout(0.01, limiter.acquire, limiter, 10) })
    assert.matches("0 waiting", tostring(limiter))
  end)

  it("G8 a hundred waits that are given up cost the others no time", function()
    kit.in_time(1.5, function()
      local limiter, waiting = rt.limiter { rate = 20, burst = 100 }, {}
      limiter:acquire(100)
      local began = rt.now()
      local big = rt.spawn_local(limiter.acquire, limiter, 100)
      becomes(limiter, "1 waiting")
      for i = 1, 110 do
        waiting[i] = rt[i % 2 == 0 and "spawn" or "spawn_local"](function()
          return limiter:acquire()
        end)
      end
      becomes(limiter, "111 waiting")
      big:cancel()
      for i = 1, 110 do
        if i % 11 ~= 0 then
          waiting[i]:cancel()
        end
      end
      local got = 0
      for i = 1, 110 do
        got = got + (pcall(waiting[i].join, waiting[i]) and 1 or 0)
      end
      assert.is_true(got >= 10)
      return rt.now() - began
    end)
  end)

  it("G11 is an operation for rt.select, which takes tokens only if it is chosen", function()
    local limiter, ch = rt.limiter { rate = 20, burst = 2 }, rt.channel(1)
    assert.matches("^rt.operation %(acquire of rt.limiter", tostring(limiter:acquire_op()))
    assert.same({ 1, true }, { rt.select(limiter:acquire_op(2), ch:recv_op()) })
    ch:send("message")
    assert.same({ 2, "message" }, { rt.select(limiter:acquire_op(), ch:recv_op()) })
    local began = rt.now()
    assert.equal(2, (rt.select(limiter:acquire_op(2), rt.sleep_op(0.001))))
    assert.same({ 1, true }, { rt.select(limiter:acquire_op(), ch:recv_op()) })
    assert.is_true(rt.now() - began < 1 * kit.slow)
    assert.same({ 2, true }, { rt.select(limiter:acquire_op(2), limiter:acquire_op(1)) })
  end)

  it("is the same for the tasks of all workers", function()
    local limiter = rt.limiter { rate = 1e-6, burst = 100 }
    local tasks, taken = {}, 0
    for i = 1, 8 do
      tasks[i] = rt.spawn(function(it)
        local n = 0
        while it.limiter:try_acquire() do
          n = n + 1
        end
        return n, it.limiter
      end, { limiter = limiter })
    end
    for _, task in ipairs(tasks) do
      local n, same = task:join()
      taken = taken + n
      assert.is_true(same == limiter)
    end
    assert.equal(100, taken)
  end)

  it("a worker that computes delays no task of another one", function()
    local code, out, err = kit.run(kit.program("stuck_worker"))
    assert.same({ 0, "right\n" }, { code, out }, err)
  end)

  it("G8 G9 cancels, timeouts and selects at any moment: no token is lost or doubled", function()
    kit.on_workers(kit.program("random_waits"))
  end)

  it("G26 tasks that wait for tokens are no deadlock, also as a program ends", function()
    local script = [[local rt = require("rt") local l = rt.limiter { rate = 50 } l:acquire()
      for _ = 1, 4 do rt.spawn(l.acquire, l) rt.spawn_local(l.acquire, l) end l:acquire() print("right")]]
    local code, out, err = kit.run(script)
    assert.same({ 0, "right\n", "" }, { code, out, err })
  end)

  it("wrong arguments", function()
    for expected, options in pairs {
      ["table expected, got number"] = 5,
      ["option 'rate': a number of tokens a second above 0 expected"] = {},
      ["'rate': a number"] = { rate = 0 },
      ["'rate': a number of"] = { rate = math.huge },
      ["'rate': a number of tokens"] = { rate = 0 / 0 },
      ["'rate': a number of tokens a"] = { rate = "5" },
      ["option 'burst': an integer from 1 to 2^31 - 1 expected"] = { rate = 1, burst = 0 },
      ["'burst': an"] = { rate = 1, burst = 1.5 },
      ["'burst': an integer"] = { rate = 1, burst = 1 << 31 },
      ["rt.limiter: unknown option 'size' (known: rate, burst)"] = { rate = 1, size = 1 },
    } do
      local message = kit.refused(function()
        rt.limiter(options)
      end)
      assert.matches("^spec/limiter_spec.lua:%d+: ", message)
      assert.truthy(message:find(expected, 1, true), message)
    end
    local limiter = rt.limiter { rate = 1, burst = 3 }
    for _, verb in ipairs { "acquire", "acquire_op", "try_acquire" } do
      for _, n in ipairs { 0, 4, -1 } do
        local message = kit.refused(function()
          limiter[verb](limiter, n)
        end)
        local refusal =
          "bad argument #%d to '%S+' %(a number of tokens from 1 to 'burst' expected%)"
        assert.matches(refusal, message)
      end
      assert.matches("rt.limiter expected", kit.refused(limiter[verb], rt.semaphore(1)))
    end
    assert.equal(3, limiter:available())
  end)
end)
