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
      return it:output():find(what, 1, true)
    end, 20, ("'%s' in %s"):format(what, it.out))
  end
  await("is stuck")
  rt.sleep(0.5)
  io.open(told, "w"):close()
  await("goes on")
  io.open(seen, "w"):close()
  assert.equal(0, it:wait())
  return it:output()
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

    it("G15 the main chunk may call what it likes; its tasks may not", function()
      local err = run_stuck(workers, kit.program("main_chunk"))
      assert.matches("^main was quiet\nrt: main is stuck: task %d+, ", err)
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
      return program:output() == "ready\ndone\n", program:output()
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
end)
