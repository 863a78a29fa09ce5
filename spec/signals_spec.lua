--- Signals that end rt-lua: Ctrl-C and SIGTERM.
local kit = require("kit")
local sorted = require("pl.tablex").sort -- iterates as pairs, in the order of the keys

--- Starts a program in rt-lua and waits until it prints "ready".
local function start(name, args)
  local it = kit.start(("%s %s %s"):format(kit.quote(kit.rt_lua), kit.program(name), args or ""))
  assert.equal("ready", it:line())
  return it
end

--- Waits until the program is blocked in the kernel, so that the signal does not arrive before
--- that.
local function asleep(it)
  kit.wait_for(function()
    return kit.read(("/proc/%d/stat"):format(it.pid)):match("%) (%a)") == "S"
  end, 10, "its sleep")
  return it
end

--- Sends a signal. Returns the exit code, and the output after the signal.
local function end_by(it, signal)
  it:signal(signal)
  local code = it:wait()
  return code, it:rest()
end

describe("rt-lua: Ctrl-C:", function()
  for signal, expected in sorted { INT = 130, TERM = 143 } do -- what a shell makes of the signals
    local interrupted = ("interrupted! (SIG%s)"):format(signal)
    it(("SIG%s cancels a main chunk that sleeps"):format(signal), function()
      local code, out = end_by(asleep(start("sleeping_main")), signal)
      assert.equal(expected, code)
      assert.equal("closed main\n" .. kit.rt_lua .. ": cancelled: " .. interrupted .. "\n", out)
    end)

    it(
      ("SIG%s ends a main chunk that is in a busy loop, with its traceback"):format(signal),
      function()
        local it = start("busy_main")
        local code, out = end_by(it, signal)
        assert.equal(expected, code)
        assert.matches(
          "^closed main\n[^\n]*: interrupted! %(SIG"
            .. signal
            .. "%)\nstack traceback:\n.*in local 'busy'.*in main chunk",
          out
        )
      end
    )

    it(("SIG%s ends a main chunk that swallows it at every wait"):format(signal), function()
      local code, out = end_by(asleep(start("main_that_swallows")), signal)
      assert.equal(expected, code)
      assert.equal("closed main\n" .. kit.rt_lua .. ": cancelled: " .. interrupted .. "\n", out)
    end)

    it(("SIG%s ends a task that is in a busy loop while main waits"):format(signal), function()
      local code, out = end_by(start("busy_task"), signal)
      assert.equal(expected, code)
      assert.matches("closed task\n", out)
      assert.matches("closed main\n", out)
    end)
  end

  it("ends a busy loop in a coroutine of a task, and in one of the main chunk", function()
    for _, run in ipairs { "rt.run", "pcall" } do
      local code, out = end_by(start("busy_coroutine", run), "INT")
      assert.equal(130, code)
      assert.matches("closed coroutine\n", out)
    end
  end)

  it("the error names the signal, in the main chunk and in a task that computes", function()
    for _, signal in ipairs { "INT", "TERM" } do
      local shown = ("cancelled: interrupted! (SIG%s)\tinterrupted! (SIG%s)\tSIG%s\n"):gsub(
        "%%s",
        signal
      )
      local _, out = end_by(asleep(start("names_the_signal")), signal)
      assert.equal(shown, out)
      _, out = end_by(start("names_the_signal", "task"), signal)
      assert.equal(shown .. shown, out)
    end
  end)

  it("unwinds every task", function()
    local code, out = end_by(start("waiting_tasks"), "INT")
    assert.equal(130, code)
    for _, who in ipairs { "sleeper", "joiner", "accepter", "yielder" } do
      assert.equal(1, select(2, out:gsub("closed " .. who .. "\n", "")))
    end
  end)

  it("G25 calls of tasks for which main waits in a scope are interrupted", function()
    if kit.flavor == "tsan" then
      return pending("the thread sanitizer delays the signal that asks the thread")
    end
    local it = start("blocked_tasks_of_a_scope")
    local code, out = end_by(asleep(it), "TERM")
    assert.equal(143, code)
    for _, line in ipairs {
      "interrupted: cleaned up",
      "shielded: read",
      "cleanup without a shield: read",
      "cleanup: read",
      "not cancelled: read",
    } do
      assert.equal(
        1,
        select(2, ("\n" .. out):gsub("\n" .. line .. "\n", "\n")),
        line .. "\n" .. out
      )
    end
    assert.is_nil(out:find("goes on", 1, true)) -- as it does if the command has ended
  end)

  for _, how in ipairs {
    "run_loop",
    "join_loop",
    "run_read",
    "scope_read",
    "nested_read",
    "pool_read",
  } do
    it("G25 a task that keeps its cancelled parent from running is ended: " .. how, function()
      if kit.flavor == "tsan" then
        return pending("the thread sanitizer delays the signal that asks the thread")
      end
      local fifo = kit.file(nil, ".fifo")
      assert(os.execute("mkfifo " .. fifo))
      local it = start("parent_that_cannot_run", how .. " " .. fifo)
      local code, out = end_by(asleep(it), "TERM")
      assert.equal(143, code)
      assert.matches(
        "^closed child\nclosed parent\n[^\n]*: cancelled: interrupted! %(SIGTERM%)\n$",
        out
      )
    end)
  end

  it("G25 one for which no cancelled task waits, or in a shield, is not", function()
    for _, how in ipairs { "shield", "unrelated" } do
      local code, out = end_by(asleep(start("parent_that_cannot_run", how)), "TERM")
      assert.equal(143, code)
      assert.matches("^read\nclosed parent\n.*cancelled: interrupted! %(SIGTERM%)\n$", out)
    end
  end)

  it("G25 without a signal a task that is cancelled is not interrupted in its call", function()
    local it =
      kit.start(("%s %s"):format(kit.quote(kit.rt_lua), kit.program("timeout_of_a_blocked_task")))
    assert.equal("read", it:line())
    assert.equal(0, it:wait())
  end)

  it("every wait of a cancelled main chunk raises, so that it comes to its end", function()
    local code, out = end_by(asleep(start("waits_after_the_signal")), "INT")
    assert.equal(130, code)
    local cancelled = "false\tcancelled: interrupted! %(SIGINT%)\n"
    assert.matches("^" .. cancelled .. cancelled, out)
  end)

  it("from the keyboard ends a loop of the shell, too", function()
    kit.needs(pending, "bash") -- (which goes on if a command only exits with 130)
    local loop = ("while :; do %s %s; done"):format(kit.rt_lua, kit.program("sleeping_main"))
    local it = kit.start("--default-signal=INT setsid bash -c " .. kit.quote(loop))
    assert.equal("ready", it:line())
    os.execute(("kill -INT -%d"):format(it.pid)) -- the terminal sends it to the process group
    assert.equal(130, it:wait())
    local _, runs = it:output():gsub("ready\n", "")
    assert.equal(1, runs)
  end)

  it("tasks for which main waits in a shield are not cancelled", function()
    local code, out = end_by(start("tasks_of_a_shield"), "TERM")
    assert.equal(143, code)
    assert.equal("true\tfinished\ntrue\tfinished\nfalse\tcancelled: interrupted! (SIGTERM)\n", out)
  end)

  for _, waits in ipairs { "join", "race", "all", "any", "first", "settle" } do
    it("G25 a local task of main's rt.join or rt.scope is ended: " .. waits, function()
      local fifo = kit.file(nil, ".fifo")
      assert(os.execute("mkfifo " .. fifo))
      for _, does in ipairs { "loop", "read" } do
        local it = start("local_task_of_main", ("%s %s %s"):format(does, waits, fifo))
        local code, out = end_by(does == "read" and asleep(it) or it, "TERM")
        assert.equal(143, code)
        assert.equal("closed task\nfalse\tcancelled: interrupted! (SIGTERM)\nclosed main\n", out)
      end
    end)
  end

  it("G25 a call of such a task has the grace, if it or main is in a shield", function()
    for _, waits in ipairs { "shield", "critical" } do
      local code, out =
        end_by(asleep(start("local_task_of_main", "read_a_moment " .. waits)), "TERM")
      assert.equal(143, code)
      assert.equal("read\nfalse\tcancelled: interrupted! (SIGTERM)\nclosed main\n", out)
    end
  end)

  it("a second one ends it at once, though a __close loops for ever", function()
    for _, how in ipairs { "sleep", "loop" } do
      local it = start("endless_close", how)
      it:signal("INT")
      assert.equal("closing", it:line())
      it:signal("INT")
      assert.equal(130, it:wait())
    end
  end)

  it("a second one ends it at once, though a task cleans up for ever", function()
    local it = start("endless_cleanup_of_a_task")
    it:signal("INT")
    repeat
    until it:line() == "closing"
    it:signal("TERM")
    assert.equal(143, it:wait())
  end)

  it("the end of the main state comes after a task that cleans up for too long", function()
    local it = asleep(start("slow_cleanup"))
    it:signal("TERM")
    assert.equal(143, it:wait())
    assert.matches("\nfinalized\n", it:output())
    assert.is_nil(it:output():find("without its cleanup", 1, true))
  end)

  it("what blocks is interrupted, though the parent has blocked SIGALRM", function()
    local form = "env --block-signal=ALRM %s -e %s"
    local script = [[require("rt") print("ready") io.stdout:flush() os.execute("exec sleep 60")]]
    local it = kit.start(form:format(kit.quote(kit.rt_lua), kit.quote(script)))
    assert.equal("ready", it:line())
    asleep(it):signal("TERM")
    kit.wait_for(function()
      return it:ended()
    end, 4, "the end")
    assert.equal(143, it:wait())
  end)

  it("a second one ends it at once while it blocks in C", function()
    local fifo = kit.file(nil, ".fifo")
    assert(os.execute("mkfifo " .. fifo))
    local it = start("blocking_open", fifo)
    kit.wait_for(function()
      it:signal("INT")
      return it:ended()
    end, 10, "the end")
    assert.equal(130, it:wait())
  end)
end)
