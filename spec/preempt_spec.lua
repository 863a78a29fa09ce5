local kit = require("kit")
local rt = require("rt")

--- Runs a program with some environment variables. Returns what it wrote to stdout and to stderr.
local function run(env, name, args, seconds)
  local code, out, err = kit.run(kit.program(name), args, seconds or 30, env)
  assert(code == 0, ("%s %s: exit code %s\n%s%s"):format(env, name, code, out, err))
  return out, err
end

--- Returns the CPU time that this build needs for what takes the plain build `seconds`.
local function about(seconds)
  return seconds * kit.slow_flavor
end

--- The programs of support/hogs.lua, by title.
local function each_hog(f)
  local names = {}
  for name in pairs(require("hogs")) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    f(name)
  end
end

describe("a task of the pool that computes", function()
  each_hog(function(name)
    it("G15 leaves a ticker on the same worker its time: " .. name, function()
      -- in a recursion it takes long to set a hook: Lua walks over the whole stack
      local limit = about(name:match("recursion") and 0.25 or 0.04)
      kit.eventually(function()
        local gap = tonumber((run("RT_WORKERS=1", "ticker_beside", kit.quote(name))))
        return gap < limit, ("a gap of %.1f ms of CPU time"):format(gap * 1000)
      end)
    end)
  end)

  it("may have been woken by a socket, with the loop below it", function()
    local out = run("RT_WORKERS=1", "woken_by_socket")
    assert.equal("done\n", out)
  end)

  it("is told to end where it is: cancel ends an endless loop", function()
    for _, workers in ipairs { 1, 4 } do
      local out = run("RT_WORKERS=" .. workers, "cancel_loops")
      local expected = {}
      for i = 1, 8 do
        expected[i] = ("cancelled: enough %d\tcancelled\n"):format(i)
      end
      assert.equal(table.concat(expected) .. "false\tcancelled\n", out)
    end
  end)

  it("runs its <close> variables when a hook ends it", function()
    local out = run("RT_WORKERS=1", "close_variables")
    assert.equal("false\tcancelled: why\nb cancelled: why\na cancelled: why\n", out)
  end)

  --- The number of switches, with 1 and with 4 workers in each host. (RT_SWITCHES=25000: 10^5 in all,
  --- which takes a minute.) With a shorter period, signals arrive while no worker has a CPU.
  local count = tonumber(os.getenv("RT_SWITCHES")) or kit.flavor == "" and 8000 or 1000
  for _, each in ipairs { { workers = 1, tick = 50 }, { workers = 4, tick = 100 } } do
    it(
      ("goes on as if nothing had happened: self-checking workloads, %d switches, workers: %d"):format(
        count,
        each.workers
      ),
      function()
        local out = run(
          ("RT_WORKERS=%d RT_TICK_US=%d RT_CHAOS=%s"):format(
            each.workers,
            kit.flavor == "" and each.tick or 300,
            kit.flavor ~= "" and "preempt" or ""
          ),
          "workloads",
          ("%d %d"):format(count // each.workers, 4 * each.workers),
          600
        )
        assert(tonumber(out) >= count, "switched only " .. out .. " times")
      end
    )
  end

  it(
    "is not switched inside rt.critical, which nests, and passes results, errors and waits",
    function()
      local out = run("RT_WORKERS=1 RT_TICK_US=100", "critical")
      assert.equal(
        "true\ttrue\n3\t1\tnil\tnil\nfalse\tboom\nfalse\tbad argument #1 to '?' (function expected, got number)\n"
          .. "other mine\nnil\ttimeout\ntrue\nattempt to yield out of a critical section\n",
        (out:gsub("to '[%a.]*critical'", "to '?'"))
      )
    end
  )

  it("keeps its coroutines to itself: to other tasks they are normal", function()
    local out = run("RT_WORKERS=1 RT_TICK_US=1000", "own_coroutines")
    assert.equal(
      "normal\tfalse\tcannot resume non-suspended coroutine\tcannot close a normal coroutine\tfalse\ntrue\tended\n",
      out
    )
  end)

  it("generators never see a resume without a value", function()
    local out = run("RT_WORKERS=1 RT_TICK_US=100", "generators", nil, 60)
    assert.equal("930000\ttrue\n930000\ttrue\n", out)
  end)

  it("debug.sethook: hooks of the program count exactly, and are left alone", function()
    local out = run("RT_WORKERS=1 RT_TICK_US=100", "debug_hooks", nil, 60)
    assert.equal("true\ttrue\n", out)
  end)
end)

describe("rt.timeout ends code that never waits", function()
  local function ends(where, place, hog)
    it("G10 " .. where, function()
      local out = run("RT_WORKERS=2", "timeout_ends", place .. " " .. kit.quote(hog))
      local first, seconds = out:match("^(.-)\t([%d.e-]+)\n$")
      assert.equal("nil timeout", first, out)
      assert(tonumber(seconds) >= 0.0499, seconds)
    end)
  end

  each_hog(function(name)
    ends("in the main chunk: " .. name, "main", name)
    ends("in a local task: " .. name, "local_task", name)
    ends("in a task of the pool: " .. name, "pool", name)
  end)
  ends("inside coroutines of the main chunk", "coroutine", "an endless loop")
  ends("when the coroutine was made before rt was there", "old_coroutine", "an endless loop")

  it("the earlier deadline rules, and the time it takes is near to it", function()
    local out = run("RT_WORKERS=1", "nested_timeouts", about(0.5), 60)
    local expected = "nil\ttimeout\nnil\ttimeout\nnil\ttimeout\ngoes on\ntrue\tnil\ttimeout\ntrue\n"
    assert.equal(expected .. expected .. "1\n", out)
  end)

  it("its result is its own: code that ends in time is not touched", function()
    local out = run("RT_TICK_US=1000", "ends_in_time")
    assert.equal("well\n", out)
  end)
end)

describe("rt.shield", function()
  it("G22 lets the cleanup of a cancelled task wait and compute", function()
    for _, spawn in ipairs { "spawn", "spawn_local" } do
      local out = run("RT_WORKERS=1", "shielded_cleanup", spawn)
      assert.matches("^false\tcancelled\ncleaned up\n1\tnil\t3\n1\tnil\t3\nfalse", out)
    end
  end)

  it(
    "with seconds, the cancel comes in after them: while it waits, and while it computes",
    function()
      local out = run("RT_WORKERS=1", "shield_with_seconds")
      assert.equal(("false\tcancelled: now\n"):rep(4), out)
    end
  )
end)

describe("force", function()
  it("G15 a task that swallows its cancel is closed after a second, of whatever kind", function()
    for _, spawn in ipairs { "spawn", "spawn_local" } do
      local out = run("RT_WORKERS=1", "swallowed_cancel", spawn)
      assert.matches("^closed\ncancelled.-\ntrue\tcancelled\nothers go on\nthere, too\n$", out)
    end
  end)

  it("G15 a task that swallows its cancel at every wait is closed after a second, too", function()
    local out = run("RT_WORKERS=2", "swallowed_at_waits")
    assert.equal("12\ttrue\n", out)
  end)

  it("G13 a timeout ends what swallows it at every wait, and lets it clean up", function()
    local out = run("RT_WORKERS=1", "timeout_swallowed_at_waits")
    assert.equal(("closed nil\ttimeout\n"):rep(4) .. "twice nil\ttimeout\n", out)
  end)

  it("where it cannot be suspended, every instruction raises then", function()
    local out = run("RT_WORKERS=1", "not_suspended", nil, 60)
    assert.matches("^cancelled.-\nnil\ttimeout\nnil\ttimeout\n$", out)
  end)

  --- `most`: seconds of wall time, the start of the program included.
  local function at_the_end(what, spawn, body, most)
    it("G24 the program ends while a task computes: " .. what, function()
      kit.in_time(most, function()
        local started = rt.now()
        run("RT_WORKERS=2", "at_the_end", spawn .. " " .. body)
        return rt.now() - started
      end)
    end)
  end
  for _, spawn in ipairs { "spawn", "spawn_blocking" } do
    at_the_end(spawn .. ", a loop", spawn, "loop", 2)
    at_the_end(spawn .. ", swallowing", spawn, "shortly_sleeping_swallowing", 6)
  end
  for _, what in ipairs { "loop", "swallowing" } do
    at_the_end("spawn_local, " .. what, "spawn_local", "sleeping_" .. what, 6)
  end
  at_the_end("a local task of a task of the pool", "spawn", "local_task", 4)
  at_the_end("shielded", "spawn_local", "shielded", 14)
  at_the_end("critical", "spawn", "critical", 8)

  it("os.exit(code, true) ends a program whose local task computes", function()
    local code = kit.run(kit.program("exit_beside_loop"), nil, nil, "RT_WORKERS=1")
    assert.equal(7, code)
  end)
end)

describe("the tick", function()
  it("an idle process uses no processor time", function()
    kit.in_time(0.01, function()
      return tonumber((run("RT_WORKERS=2", "idle")))
    end)
  end)

  it("does not switch what gives way in time, and switches what does not once a period", function()
    if kit.flavor == "tsan" then
      return pending("the thread sanitizer delays signals into later slices")
    end
    local out = run("RT_WORKERS=1", "switches")
    local short, long, periods = out:match("^(%d+)\t(%d+)\t([%d.]+)\n$")
    assert(short, out)
    -- (a slice may become long where the CPU is slow for a moment)
    assert(tonumber(short) <= 3, ("%s switches of tasks that give way"):format(short))
    assert(tonumber(long) >= 3, ("%s switches of a task that does not"):format(long))
    assert(tonumber(long) <= tonumber(periods), ("%s switches in %s periods"):format(long, periods))
  end)

  it("switches once a period, also if its signal handler loses the CPU each time", function()
    if kit.flavor ~= "" then
      return pending("without sanitizers")
    end
    local library = kit.file(nil, ".so")
    local source = "spec/programs/preempt/jumping_clock.c"
    assert.equal(0, (kit.shell(("cc -shared -fPIC -o %s %s"):format(library, source))))
    local out = run("RT_WORKERS=1 LD_PRELOAD=" .. library, "jumping_clock")
    assert(tonumber(out) >= 3, ("%s switches"):format(out))
  end)

  it("a hook is taken off, and no task finds that of another one", function()
    local out = run("RT_WORKERS=1", "no_hook_stays")
    assert.equal("nil\nnil\nnil\n", out)
  end)

  it("RT_PREEMPT=0: tasks are switched only where they wait", function()
    local out, err = run("RT_WORKERS=1 RT_PREEMPT=0", "without_preemption")
    assert.equal("went through\nfirst\n", out)
    assert.equal("", err)
  end)

  it("a SIGURG from elsewhere changes nothing", function()
    local out = run("RT_WORKERS=1", "sigurg_from_elsewhere")
    assert.equal("3000000\tnil\ttimeout\n", out)
  end)

  it("SIGURG has an owner: said once, and tasks are switched where they wait", function()
    if kit.flavor ~= "" or not pcall(require, "luv") then
      return pending(kit.flavor ~= "" and "the same in every flavour" or "no peer: luv")
    end
    local out, err = run("RT_WORKERS=2", "sigurg_has_an_owner")
    assert.equal("3\nnil\ttimeout\n", out)
    assert.matches("^rt: SIGURG is taken by other code[^\n]+\n$", err)
  end)

  it("programs that a task starts do not hear of it", function()
    local out = run("RT_WORKERS=1", "child_process")
    assert.matches("^well\ttrue\texit\t0\n", out)
  end)

  it("tasks of a state are switched, too, if the program has said so", function()
    assert.equal("true\n", (run("", "preempt_local_tasks")))
    assert.matches("a boolean expected, got number", kit.refused(rt.configure, { preempt = 1 }))
  end)
end)
