--- rt.builder: names, workers and priorities of tasks.
local kit = require("kit")
local rt = require("rt")

local function run(name, args, env)
  local code, out, err = kit.run(kit.program(name), args, 60, env)
  assert(code == 0, ("exit code %s\n%s%s"):format(code, out, err))
  return out
end

describe("rt.builder", function()
  for _, how in ipairs { "spawn", "spawn_local", "spawn_blocking" } do
    it("names a task before it begins: " .. how, function()
      local builder = rt.builder { name = "reader" }
      local task = builder[how](builder, function(...)
        return require("rt").current().name, ...
      end, 1, nil, 3)
      assert.equal("reader", task.name)
      assert.same({ "reader", 1, nil, 3 }, { task:join() })
    end)

    it("spawns as rt does, if it has no option: " .. how, function()
      local builder = rt.builder {}
      local task = builder[how](builder, error, "broken", 0)
      assert.is_nil(task.name)
      assert.same({ false, "broken" }, { pcall(task.join, task) })
    end)

    it("is left out of the place where the task was spawned: " .. how, function()
      local line = debug.getinfo(1, "l").currentline + 1
      local task = rt.builder({})[how](rt.builder {}, rt.sleep, 3600)
      local site
      for _, info in ipairs(rt.tasks()) do
        site = info.id == task.id and info.spawned or site
      end
      task:cancel()
      pcall(task.join, task)
      assert.equal("spec/builder_spec.lua:" .. line, site)
    end)
  end

  it("may be sent to another task", function()
    local builder = rt.builder { name = "there" }
    assert.equal(
      "there",
      rt.spawn(function()
        return builder
          :spawn(function()
            return require("rt").current().name
          end)
          :join()
      end):join()
    )
  end)

  for _, who in ipairs { "main", "1", "2" } do
    it("puts tasks on the worker that it names, and on no other one: spawned by " .. who, function()
      local expected = {}
      for worker = 1, 3 do
        expected[worker] = ("pinned %d\tpool %d\n"):format(worker, worker):rep(3)
      end
      assert.equal(table.concat(expected), run("places", who))
    end)
  end

  it("spreads tasks over the workers", function()
    -- (A worker whose thread the system wakes late gets fewer.)
    kit.eventually(function()
      local out = run("spread")
      local first, second = out:match("^(%d+) (%d+)\n$")
      return tonumber(first) >= 3 and tonumber(second) >= 3, out
    end)
  end)

  it("refuses what it does not know, and says what it expects", function()
    local function refused(expected, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.equal(expected, (tostring(err):gsub("^[^:]*:%d+: ", "")))
    end
    local builder = rt.builder { worker = 1 }
    refused("bad argument #1 to 'builder' (table expected, got no value)", rt.builder)
    refused(
      "option 'worker': the number of a worker expected, got number",
      rt.builder,
      { worker = 0 }
    )
    refused(
      "option 'worker': the number of a worker expected, got string",
      rt.builder,
      { worker = "1" }
    )
    refused("option 'name': a string expected, got number", rt.builder, { name = 1 })
    refused("option 'spread': a boolean expected, got number", rt.builder, { spread = 1 })
    refused(
      [[option 'priority': "high", "normal" or "idle" expected, got string]],
      rt.builder,
      { priority = "low" }
    )
    refused(
      "a builder has either a worker or spread = true",
      rt.builder,
      { worker = 1, spread = true }
    )
    assert.is_false((pcall(rt.builder, { prio = "high" })))
    for _, how in ipairs { "spawn", "spawn_local", "spawn_blocking" } do
      local name = ("to '%s' ("):format(how)
      refused(
        "bad argument #1 " .. name .. "function expected, got nil)",
        builder[how],
        builder,
        nil
      )
      refused(
        "bad argument #1 " .. name .. "function expected, got no value)",
        builder[how],
        builder
      )
      refused(
        "bad argument #1 " .. name .. "rt.builder expected, got table)",
        builder[how],
        {},
        print
      )
    end
    refused(
      ("there is no worker 1000: rt.workers() is %d"):format(rt.workers()),
      builder.spawn,
      rt.builder { worker = 1000 },
      print
    )
  end)
end)

describe("a task of high priority", function()
  for _, how in ipairs { "spawn", "spawn_local" } do
    it("G13 comes first, one of idle priority last: " .. how, function()
      local out = run("order", how):gsub("%d", "") -- (short budgets change the order of equal ones)
      local order = "high high high normal normal normal idle idle idle\n"
      assert.equal(order .. order, out)
    end)

    it("G13 keeps no other one from running: " .. how, function()
      assert.equal("done\n", run("not_starved", how))
    end)
  end

  it(
    "G13 overtakes others in the middle of a turn; those of high priority keep their order",
    function()
      assert.equal("right\n", run("high_order"))
    end
  )

  it("G13 goes before one of idle priority that is woken, whatever that has waited for", function()
    kit.eventually(function() -- (a pause of the machine may be longer than 0.2 s)
      local out = run("idle_reader")
      return out == "normal\t4\n", out
    end)
  end)

  it("G13 has most of the time if it computes, and one of idle priority little", function()
    if kit.flavor == "tsan" then
      return pending("one round of the loop takes as long as a slice")
    end
    kit.eventually(function()
      local out = run("shares", "2")
      local high, normal, idle = out:match("^(%S+)\t(%S+)\t(%S+)\n$")
      high, normal, idle = tonumber(high), tonumber(normal), tonumber(idle)
      local fits = high > 0.6 and normal > 0.05 and normal < 0.3 and idle > 0.005 and idle < 0.15
      return fits, out
    end)
  end)
end)
