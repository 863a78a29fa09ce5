--- rt.spawn: tasks of the pool, their handles, joining and cancelling them.
local kit = require("kit")
local rt = require("rt")

--- Runs a program with a number of workers, which must end well; returns its output.
local function with_workers(n, name, args)
  local code, out, err = kit.run(kit.program(name), args, 60, "RT_WORKERS=" .. n)
  assert(code == 0, ("with %d workers: exit code %s\n%s%s"):format(n, code, out, err))
  return out
end

local function each_count(name, expected)
  for _, n in ipairs { 1, 2, 4 } do
    assert.equal(expected, with_workers(n, name), n .. " workers")
  end
end

describe("rt.spawn", function()
  it("G1 returns while the child goes on: tasks that wait for each other, and for main", function()
    each_count("ring_of_tasks", "1275\n")
  end)

  it("G1 never runs any of the child before it returns", function()
    -- one worker, and no switch: the task cannot have begun between the spawn and the next line
    local out = with_workers(1, "set_after_spawn")
    assert.equal(("before the child\n"):rep(2), out)
  end)

  it("as many tasks compute at the same time as there are workers", function()
    each_count("tasks_that_meet_computing", "true\n")
  end)

  it("G4 prints the same with 1, 2 and 4 workers", function()
    each_count(
      "fibonacci_numbers",
      (function()
        local lines, a, b = {}, 0, 1
        for i = 1, 20 do
          a, b = b, a + b
          lines[i] = i .. "\t" .. a
        end
        return table.concat(lines, "\n") .. "\ntrue\tnil\n"
      end)()
    )
  end)

  it("returns everything that f does, nils too", function()
    assert.same({ n = 0 }, table.pack(rt.spawn(function() end):join()))
    assert.same(
      { n = 4, nil, 2, nil, nil },
      table.pack(rt.spawn(function()
        return nil, 2, nil, nil
      end):join())
    )
    assert.same({ "x", { y = 1 } }, {
      rt.spawn(function()
        return "x", { y = 1 }
      end):join(),
    })
  end)

  it("a name is one that any thread can be told, of a local task and of one of the pool", function()
    local tasks = { rt.spawn(rt.yield), rt.spawn_local(rt.yield) }
    for _, task in ipairs(tasks) do
      task.name = ("x"):rep(300)
      assert.equal(("x"):rep(255), task.name)
      task.name = "one\0two"
      assert.equal("one", task.name)
      assert.matches("^rt.task " .. task.id .. " %(one, %a+%)$", tostring(task))
      assert.matches(
        "task.name: string expected, got number",
        kit.refused(function()
          task.name = 5
        end)
      )
      assert.equal("one", task.name)
      task.name = nil
      assert.is_nil(task.name)
      task:join()
    end
  end)

  it("tasks have an id, a name, a status and a text", function()
    local gate = rt.channel(0)
    local task = rt.spawn(function()
      gate:recv()
      return rt.current().id, rt.current().name, rt.current():status()
    end)
    task.name = "worker bee"
    assert.is_true(math.type(task.id) == "integer")
    assert.matches("^rt.task " .. task.id .. " %(worker bee, %a+%)$", tostring(task))
    gate:send(true)
    assert.same({ task.id, "worker bee", "running" }, { task:join() })
    assert.equal("done", task:status())
    assert.equal("worker bee", task.name)
    assert.matches(
      "no field 'x'",
      kit.refused(function()
        task.x = 1
      end)
    )
  end)

  it("G5 joining oneself raises", function()
    local task = rt.spawn(function()
      return pcall(function()
        return rt.current():join()
      end)
    end)
    local ok, message = task:join()
    assert.is_false(ok)
    assert.matches("a task cannot join itself", message)
  end)

  it("G12 any number of joiners, on any worker, at any time, get the same", function()
    local gate = rt.channel(0)
    local task = rt.spawn(function()
      gate:recv()
      return "same", { 1 }
    end)
    local joiners = {}
    for i = 1, 10 do
      joiners[i] = (i % 2 == 0 and rt.spawn or rt.spawn_local)(function()
        local a, b = task:join()
        return a .. b[1]
      end)
    end
    rt.sleep(0.01)
    gate:send(true)
    for i = 1, 10 do
      assert.equal("same1", (joiners[i]:join()))
    end
    assert.equal("same", (task:join()))
  end)

  it(
    "G12 of several joiners one gets a stream that the task returns, the others a closed one",
    function()
      each_count("joiners_of_a_stream", "50\t50\n")
    end
  )

  it("G12 a cancelled joiner leaves the task running", function()
    local gate = rt.channel(0)
    local task = rt.spawn(function()
      gate:recv()
      return 1
    end)
    local joiner = rt.spawn_local(task.join, task)
    rt.yield()
    joiner:cancel()
    assert.is_false((pcall(joiner.join, joiner)))
    gate:send(true)
    assert.equal(1, (task:join()))
  end)

  it("a handle that came back by another way is equal", function()
    local task = rt.spawn(function()
      return 1
    end)
    local same = rt.spawn(function()
      return task, task:join()
    end):join()
    assert.is_true(same == task)
    assert.is_false(rt.spawn(function() end) == task)
  end)

  it(
    "tasks of the pool may spawn, sleep, time out, and share their state with local tasks",
    function()
      local task = rt.spawn(function()
        local x = 0
        local a = rt.spawn_local(function()
          rt.sleep(0.005)
          x = x + 1
        end)
        local b = rt.spawn(function()
          x = x + 100
          return x
        end)
        local nothing, why = rt.timeout(0.01, rt.sleep, 10)
        a:join()
        return x, b:join(), nothing, why
      end)
      assert.same({ 1, 100, nil, "timeout" }, { task:join() })
    end
  )

  it("a chain of 100 tasks that spawn each other ends", function()
    local function chain(n)
      if n == 0 then
        return 0
      end
      return 1 + rt.spawn(chain, n - 1):join()
    end
    assert.equal(100, chain(100))
  end)
end)

describe("cancelling a task of the pool:", function()
  it("G7 one that is queued never runs", function()
    local out = with_workers(1, "cancelled_while_queued")
    assert.equal("queued\ttrue\tcancelled\nfalse\tcancelled: why\twhy\nnil\tempty\n", out)
  end)

  it("a reason that would move is refused: it is read by every wait that raises", function()
    local task = rt.spawn(rt.sleep, 60)
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    assert.matches("a thing that only one task can have", kit.refused(task.cancel, task, listener))
    assert.not_nil(listener:sock())
    task:cancel()
    local here = rt.spawn_local(rt.sleep, 60)
    here:cancel(listener)
    local _, err = pcall(here.join, here)
    assert.equal(listener, err.reason)
    assert.matches("that only one task can have", kit.refused(rt.spawn, print, err))
    assert.not_nil(listener:sock())
  end)

  it("one that waits is unwound, with the reason", function()
    local log = rt.channel(10)
    local task = rt.spawn(function()
      local guard <close> = setmetatable({}, {
        __close = function(_, e)
          log:try_send(tostring(e))
        end,
      })
      log:send("waits")
      rt.sleep(1000)
    end)
    assert.equal("waits", (log:recv()))
    assert.is_true(task:cancel { code = 5 })
    local _, err = pcall(task.join, task)
    assert.equal(5, err.reason.code)
    assert.equal("cancelled", task:status())
    assert.is_false(task:cancel())
    assert.matches("^cancelled", (log:recv()))
  end)

  it("what moved to one that never begins is closed by the time it has ended", function()
    local out = with_workers(1, "listener_moved_to_a_queued_task")
    assert.equal("true\tcancelled\ncancelled\n", out)
  end)

  it("cancelling one that has ended changes nothing", function()
    local task = rt.spawn(function()
      return 1
    end)
    task:join()
    assert.is_false(task:cancel())
    assert.equal(1, (task:join()))
  end)
end)

describe("task_combinations:", function()
  local values =
    { returns = "value", fails = "boom", fails_with_table = "5", fails_in_close = "in close" }
  for _, kind in ipairs { "spawn", "spawn_local", "spawn_blocking" } do
    for _, how in ipairs { "returns", "fails", "fails_with_table", "fails_in_close" } do
      for _, joined in ipairs { "joined", "dropped", "twice", "late" } do
        it(("%s, %s, %s"):format(kind, how, joined), function()
          local args = ("%s %s %s"):format(kind, how, joined)
          for _, n in ipairs { 1, 4 } do
            local program = kit.program("task_combinations")
            local code, out, err = kit.run(program, args, 20, "RT_WORKERS=" .. n)
            local line = (how == "returns" and "true" or "false") .. "\t" .. values[how] .. "\n"
            local expected = joined == "twice" and line .. line
              or joined ~= "dropped" and line
              or how == "returns" and ""
              or "unhandled\t" .. values[how] .. "\n"
            assert.same({ 0, expected, "" }, { code, out, err })
          end
        end)
      end
    end
  end
end)
