--- The watchdog: it reports the tasks that keep their worker stuck, and no other tasks.
local kit = require("kit")
local rt = require("rt")

--- Runs a program, or the text of one. Returns what it wrote. (stderr is redirected to stdout,
--- since on a busy machine kit.run removes reports of stalls from stderr.)
local function run(workers, script)
  local code, out = kit.run(script, "2>&1", 40, "RT_WORKERS=" .. workers)
  assert(code == 0, ("exit code %s\n%s"):format(code, out))
  return out
end

--- The same for a program with a task that is stuck until half a second after the report (until the
--- file $TOLD exists), and that ends after the end of the stall was reported (when the file $SEEN
--- exists).
local function run_stuck(workers, script)
  local told, seen = kit.file(nil, ".told"), kit.file(nil, ".seen")
  local env = ("RT_WORKERS=%d TOLD=%s SEEN=%s"):format(workers, told, seen)
  local it = kit.start_script(script, nil, env)
  local function await(what)
    kit.wait_for(function()
      return it:whole_output():find(what, 1, true)
    end, 20, ("'%s' in %s"):format(what, it.out))
  end
  await("is stuck")
  rt.sleep(0.5)
  io.open(told, "w"):close()
  await("goes on")
  io.open(seen, "w"):close()
  assert.equal(0, it:wait())
  return it:whole_output()
end

local function occurrences(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

for _, workers in ipairs { 1, 4 } do
  describe(("stalls, %d workers:"):format(workers), function()
    it("G15 a C function that waits is reported, once, with its end", function()
      local err = run_stuck(workers, kit.program("sleepwalker"))
      local report = "rt: pool %d is stuck: task %d+ %(sleepwalker%), spawned at [^\n]+lua:%d+, "
      assert.equal(1, occurrences(err, report .. "[^\n]+ for [%d.]+ s\n"), err)
      assert.equal(1, occurrences(err, "rt: pool %d goes on: task %d+ %(sleepwalker%), [^\n]+ s\n"))
      if kit.flavor ~= "tsan" then -- which delays the signal that asks for this
        assert.equal(1, occurrences(err, "task %d+ was stuck in\n[^\n]+lua:%d+: in function"), err)
      end
      local seconds = tonumber(err:match("had it stuck for ([%d.]+) s"))
      assert.is_true(seconds >= 0.4, err)
    end)

    it("G15 one that computes, too, and where it was", function()
      local err = run(workers, kit.program("computing"))
      assert.matches("rt: pool %d is stuck: task %d+, spawned at [^\n]+lua:%d+", err)
      assert.matches("rt: pool %d goes on: task %d+", err)
      if kit.flavor ~= "tsan" then
        assert.matches("was stuck in\n[^\n]+ in upvalue 'compute'[^\n]*\n[^\n]+'calculate'", err)
      end
    end)

    it("G15 Lua code is no stall, however long, and whatever it is in", function()
      kit.eventually(function() -- a thread that waits for a lock may be reported
        local err = run(workers, kit.program("lua_code"))
        return err == "", err
      end)
    end)

    it("G15 nor is a recursion without end, whose stack is long to walk over", function()
      if kit.flavor ~= "" then
        return pending("in other builds a stack of a million functions takes long to grow")
      end
      kit.eventually(function()
        local err = run(workers, kit.program("recursion"))
        return err == "", err
      end)
    end)

    it("G15 the main chunk may call what it likes; its tasks may not", function()
      local err = run_stuck(workers, kit.program("main_chunk"))
      assert.matches("^main was quiet\nrt: main is stuck: task %d+, ", err)
      assert.equal(0, occurrences(err, "rt: main was stuck"), err) -- it does not report that, too
    end)

    it("those whose business it is to be blocked are not told of", function()
      local err = run(
        workers,
        [[local rt = require("rt")
        rt.spawn_blocking(function() os.execute("sleep 0.5") end):join()]]
      )
      assert.equal("", err)
    end)

    it("rt.configure says how long is too long", function()
      for _, stall in ipairs { "false", "0", "5" } do
        local err = run(
          workers,
          ([[local rt = require("rt")
          rt.configure({ stall = %s })
          rt.spawn(function() os.execute("sleep 0.4") end):join()]]):format(stall)
        )
        assert.equal("", err)
      end
    end)
  end)
end

describe("stalls:", function()
  it("a process that gets no processor has none", function()
    kit.eventually(function()
      local program = kit.start_script(kit.program("without_processor"))
      assert.equal("ready", program:line())
      for _ = 1, 3 do
        program:signal("STOP")
        os.execute("sleep 0.2")
        program:signal("CONT")
      end
      program:wait()
      return program:whole_output() == "ready\ndone\n", program:whole_output()
    end)
  end)

  it("the others go on meanwhile", function()
    local out = run_stuck(2, kit.program("others_go_on"))
    assert.is_true(tonumber(out:match("%d+\n$")) >= 5, out)
  end)

  it("a program that is idle is idle: nobody looks around", function()
    -- TSan starts a thread of its own
    if not io.open("/proc/self/status") or kit.flavor == "tsan" then
      return
    end
    local out = run(4, kit.program("idle"))
    assert.is_true(tonumber(out) < 20, out)
  end)

  it("the options are checked", function()
    local out = run(1, kit.program("options"))
    assert.equal(4, occurrences(out, "false\t"))
  end)

  it("G15 a task and a place are reported once", function()
    local err = run(1, kit.program("places"))
    assert.equal(1, occurrences(err, "rt: pool 1 is stuck: "), err)
    assert.equal(1, occurrences(err, "rt: pool 1 goes on: "), err)
    if kit.flavor ~= "tsan" then
      assert.equal(2, occurrences(err, "task %d+ was stuck in\n"), err)
      assert.equal(1, occurrences(err, "was stuck in\n[^\n]+lua:9: in function"), err)
    end
  end)

  it("G15 what is stuck below a deep stack is reported with its innermost functions", function()
    local err = run(1, kit.program("deep_stack"))
    assert.equal(1, occurrences(err, "rt: pool 1 is stuck: "), err)
    if kit.flavor ~= "tsan" then
      assert.matches("was stuck in\n    [^\n]+lua:%d+: in upvalue 'deep'\n", err)
      assert.matches(" 'deep'\n    … %(more than 20000%)\n", err)
    end
  end)

  it("reports can be turned off and on again", function()
    local err = run(
      1,
      [[local rt = require("rt")
      rt.configure { stall = 0.1 }
      rt.configure { stall = false }
      rt.sleep(1) -- the watchdog falls asleep
      rt.configure { stall = 0.1 }
      rt.spawn_local(function() os.execute("sleep 0.5") end):join()]]
    )
    assert.matches("^rt: main is stuck: task 1, ", err)
  end)

  it("G23 a full pool of blocking threads is told of, once, with what it is in", function()
    local told = kit.file(nil, ".told")
    local it = kit.start_script(kit.program("full"), nil, "TOLD=" .. told)
    kit.wait_for(function()
      return it:whole_output():find("blocking 2: task", 1, true)
    end, 20, "the report in " .. it.out)
    rt.sleep(1.5)
    io.open(told, "w"):close()
    assert.equal(0, it:wait())
    local out = it:whole_output()
    assert.matches(
      "^rt: all 2 threads of rt.spawn_blocking are busy, and nothing has begun for 1.0 s:\n",
      out
    )
    for i = 1, 2 do
      local line = ("    blocking %d: task %%d, spawned at [^\n]+full.lua:7\n"):format(i)
      assert.equal(1, occurrences(out, line), out)
    end
    assert.equal(3, occurrences(out, "\n"), out)
  end)
end)

describe("stalls, without a pool:", function()
  local function has_delay()
    return io.open("/proc/self/schedstat") ~= nil -- how long threads wait for a CPU; not in all kernels
  end

  it("G15 a local task that blocked is reported afterwards, with what it waits in then", function()
    local err = has_delay() and run(1, kit.program("local_task"))
    if err then
      assert.matches(
        "^quiet\nrt: main was stuck: task 3, spawned at [^\n]+lua:17, was in a call that "
          .. "blocked for [%d.]+ s, and has ended\n",
        err
      )
      assert.matches(
        " %(waits%), [^\n]+; after that it waits in\n[^\n]+sleep[^\n]+\n[^\n]+local_task.lua:21: in ",
        err
      )
      assert.equal(2, occurrences(err, "was stuck"), err)
    end
  end)

  it("G15 and one of several that a poll has resumed, when it blocks again", function()
    local err = has_delay() and run(1, kit.program("sockets"))
    if err then
      assert.equal(
        1,
        occurrences(err, "rt: main was stuck: one of %d tasks was in a call that blocked"),
        err
      )
      assert.equal(
        1,
        occurrences(err, "rt: main was stuck: task %d %(server 2%), spawned at "),
        err
      )
      assert.equal(2, occurrences(err, "was stuck"), err)
    end
  end)
end)
