--- scope:next: the tasks of a scope, as they end.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local settle = task_kit.settle

--- The tasks that scope:next gives until it gives none.
local function all_of(scope)
  local tasks = {}
  for task in scope.next, scope do
    tasks[#tasks + 1] = task
  end
  return tasks
end

local function names_of(tasks)
  local names = {}
  for i, task in ipairs(tasks) do
    names[i] = task.name
  end
  return table.concat(names, " ")
end

describe("scope:next", function()
  it("gives each task once, in the order of their ends, and nil when none is left", function()
    rt.scope(function(scope)
      assert.is_nil(scope:next())
      local go = rt.channel()
      for i, name in ipairs { "c", "a", "b" } do
        scope:spawn_local(function()
          while go:recv() ~= name do
            rt.yield()
          end
          return i
        end).name =
          name
      end
      scope:spawn(function()
        return "pooled"
      end).name = "d"
      assert.equal("d", scope:next().name)
      scope:spawn_local(function()
        for name in ("abc"):gmatch(".") do
          for _ = 1, 3 do
            go:try_send(name)
            settle()
          end
        end
      end).name =
        "sender"
      local tasks = all_of(scope)
      assert.equal("a b c sender", names_of(tasks))
      assert.equal(2, tasks[1]:join())
      assert.is_nil(scope:next())
      scope:spawn_local(print).name = "late" -- a scope that had none left may get more
      scope:cancel()
    end)
  end)

  it("gives tasks that ended before its first call, and all of many", function()
    rt.scope(function(scope)
      for i = 1, 1000 do
        scope:spawn(function()
          return i
        end)
        scope:spawn_local(function()
          return 1000 + i
        end)
        if i % 100 == 0 then
          settle() -- some have ended
        end
      end
      local seen, n = {}, 0
      for task in scope.next, scope do
        local i = task:join()
        assert.is_nil(seen[i])
        seen[i], n = true, n + 1
      end
      assert.equal(2000, n)
    end)
  end)

  it("gives failed and cancelled tasks, too, with the policy settle", function()
    rt.scope(function(scope)
      local failing = scope:spawn(error, "broken", 0)
      assert.equal(failing, scope:next())
      local sleeper = scope:spawn(rt.sleep, math.huge)
      sleeper:cancel()
      assert.equal(sleeper, scope:next())
      assert.same({ "failed", "cancelled" }, { failing:status(), sleeper:status() })
      assert.is_nil(scope:next())
    end, "settle")
  end)

  it("with the policy all is ended by the first failure, which the scope raises", function()
    local given = {}
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn_local(function() end)
      scope:spawn(rt.sleep, math.huge)
      scope:next()
      scope:spawn(function()
        error("broken", 0)
      end)
      while true do
        given[#given + 1] = scope:next()
        rt.yield()
      end
    end)
    assert.same({ false, "broken" }, { ok, err })
    assert.is_true(#given <= 1)
  end)

  it("works after the scope has ended", function()
    local ended
    rt.scope(function(scope)
      ended = scope
      for _, name in ipairs { "x", "y" } do
        scope:spawn_local(function() end).name = name
      end
    end)
    assert.equal("x y", names_of(all_of(ended)))
  end)

  it("is an operation for rt.select; another branch that is done leaves the task there", function()
    rt.scope(function(scope)
      local ch, go = rt.channel(1), rt.channel(1)
      local task = scope:spawn(go.recv, go)
      local op = scope:next_op()
      assert.matches("^rt.operation %(next of ", tostring(op))
      rt.spawn_local(ch.send, ch, "a message")
      assert.same({ 2, "a message" }, { rt.select(op, ch:recv_op()) })
      assert.same({ nil, "timeout" }, { rt.timeout(0.001, scope.next, scope) })
      assert.equal(2, rt.select_biased(op, rt.default_op()))
      go:send("go")
      local index, got = rt.select(op, ch:recv_op())
      assert.same({ 1, task }, { index, got })
      assert.same({ 1 }, { rt.select(op, ch:recv_op()) }) -- none is left
      assert.equal(2, select("#", rt.select(op)))
    end)
  end)

  it("G19 several tasks that call it are served in their order, and none twice", function()
    rt.scope(function(scope)
      local go, log = rt.channel(), {}
      local function takes(name)
        return rt.spawn_local(function()
          local task = scope:next()
          log[#log + 1] = name .. (task and task.name or "nothing")
        end)
      end
      for i = 1, 2 do
        scope:spawn(function()
          go:recv()
        end).name = tostring(i)
      end
      local first, second, third = takes("first "), takes("second "), takes("third ")
      settle()
      first:cancel()
      go:send(true)
      second:join()
      go:send(true)
      third:join()
      assert.is_false(pcall(first.join, first))
      local got = table.concat(log, ", ")
      assert(got == "second 1, third 2" or got == "second 2, third 1", got)
      assert.is_nil(scope:next())
    end)
  end)

  it("tells all that wait that none is left", function()
    rt.scope(function(scope)
      local go = rt.channel()
      scope:spawn(go.recv, go)
      local waiting = {}
      for i = 1, 3 do
        waiting[i] = rt.spawn_local(scope.next, scope)
      end
      settle()
      go:send(true)
      local given = 0
      for i = 1, 3 do
        given = given + (waiting[i]:join() and 1 or 0)
      end
      assert.equal(1, given)
    end)
  end)

  it("refuses when more tasks have ended than a scope keeps that does not use it", function()
    rt.scope(function(scope)
      for _ = 1, 170 do
        for _ = 1, 100 do
          scope:spawn_local(function() end)
        end
        rt.yield()
      end
      local no_way = kit.refused(function()
        scope:next()
      end)
      assert.matches(
        "^spec/scope_next_spec.lua:%d+: more than %d+ tasks of the scope had ended before",
        no_way
      )
      assert.equal(no_way:match(": .*"), kit.refused(scope.next_op, scope):match(": .*"))
    end)
  end)

  it("once used gives all, however many have ended, and keeps none that was given", function()
    rt.scope(function(scope)
      scope:next_op()
      for _ = 1, 20000 do
        scope:spawn_local(function() end)
      end
      assert.equal(20000, #all_of(scope))
      for _ = 1, 200 do
        for _ = 1, 50 do
          scope:spawn_local(function() end)
        end
        all_of(scope)
      end
      scope:spawn_local(function() end)
      assert.is_true(#scope.tasks < 41000)
      assert.equal(1, #all_of(scope))
    end)
  end)

  it("wrong arguments are refused at the line of the caller", function()
    for _, verb in ipairs { "next", "next_op" } do
      local wrong = "^spec/scope_next_spec.lua:%d+: bad argument #1 to '"
        .. verb
        .. "' %(rt.scope expected, got table%)$"
      rt.scope(function(scope)
        assert.matches(
          wrong,
          kit.refused(function()
            scope[verb] {}
          end)
        )
      end)
    end
  end)

  it("G8 G9 cancels and ends at any moment: each task is given once", function()
    kit.on_workers(kit.program("races"))
  end)
end)
