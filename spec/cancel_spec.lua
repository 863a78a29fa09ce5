--- Every way to cancel a wait, with every operation that waits. The wait ends at once, the cleanup
--- of the task has run, and the operation has not happened. support/cancel_table.md explains the
--- table.
local kit = require("kit")
local rt = require("rt")

local names = require("cancel_table").names

--- One program does all rows. The first spec that needs a program runs it, and each spec looks for
--- the line of its row in the output.
local function run_all(how, place, workers)
  local code, out, err = kit.run(
    kit.program("each_operation"),
    ("%s %s %d"):format(how, place, workers),
    nil,
    ("RT_WORKERS=%d RT_BLOCKING=1"):format(workers)
  )
  local said = {}
  for name, what in out:gmatch("([^\n]-): ([^\n]*)\n") do
    said[name] = what
  end
  return { code = code, err = err, said = said }
end

for _, place in ipairs { "local", "pool" } do
  for _, workers in ipairs { 1, 4 } do
    for _, how in ipairs { "cancel", "timeout", "scope", "shutdown" } do
      describe(("G8 in a %s task, %d workers: %s calls off"):format(place, workers, how), function()
        local result
        local function the_result()
          result = result or run_all(how, place, workers)
          return result
        end
        for _, name in ipairs(names) do
          it(name, function()
            local said = the_result().said[name]
            assert.equal("ok", said or "nothing was said of it", the_result().err)
          end)
        end
        it("… and the program ends well", function()
          assert.same({ 0, "" }, { the_result().code, the_result().err })
        end)
      end)
    end
  end
end

for _, workers in ipairs { 1, 4 } do
  for _, how in ipairs { "cancel", "timeout", "scope" } do
    it(("G8 %s, %d workers: what is sent is what is received"):format(how, workers), function()
      local seed = os.getenv("RT_SEED") or math.random(1 << 30)
      local rounds = kit.flavor == "" and 10 or 5
      local code, out, err = kit.run(
        kit.program("traffic"),
        ("%s %d %d"):format(how, seed, rounds),
        nil,
        "RT_WORKERS=" .. workers
      )
      assert.same({ 0, "right\n", "" }, { code, out, err }, "RT_SEED=" .. seed)
    end)
  end
end

describe("cancelling, level and order:", function()
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
      for n = 100, 140 do -- for some n the budget of the task is used up in the middle
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
    local begun = rt.channel(1)
    local function careless()
      local guard <close> = setmetatable({}, {
        __close = function()
          error("cannot clean up", 0)
        end,
      })
      begun:send(true)
      rt.sleep(60)
      return guard
    end
    for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
      local task = spawn(careless)
      begun:recv()
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
    local _, out = kit.run(kit.program("reason_at_the_end"))
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

  it("G16 a task that swallows it at every wait gives way to others", function()
    local others_ran, gave_way = false, false
    local task = rt.spawn_local(function()
      for _ = 1, 20000 do
        pcall(rt.sleep, 60)
        if others_ran then
          gave_way = true
          break
        end
      end
    end)
    rt.yield()
    task:cancel()
    rt.spawn_local(function()
      others_ran = true
    end)
    pcall(task.join, task)
    assert.is_true(gave_way)
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

  -- On an idle machine the ratio is 1.1 to 1.6. (A process of its own: what the allocator of Lua costs
  -- depends on what the process has freed before.)
  it("100k tasks in a scope are cancelled in twice the CPU time of as many coroutines", function()
    local n = kit.flavor == "" and 100000 or 5000
    kit.in_time(2, function()
      local code, out, err = kit.run(kit.program("cost_of_cancelling"), tostring(n), 120)
      assert.same({ 0, "" }, { code, err })
      return tonumber(out)
    end)
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
