--- How a program ends: which tasks are unwound, what is reported, and the exit code.
local kit = require("kit")
local sorted = require("pl.tablex").sort -- iterates as pairs, in the order of the keys

--- Runs a program. Returns its exit code, stdout and stderr.
local function run(name, args, seconds)
  return kit.run(kit.program(name), args, seconds)
end

--- Runs a program that must end well and quietly; returns its output.
local function quiet(name, args)
  local code, out, err = run(name, args)
  assert.same({ 0, "" }, { code, err })
  return out
end

local function count(text, what)
  return select(2, text:gsub(what, ""))
end

--- Calls f, which may take at most this number of seconds.
local function in_time(most, f)
  local rt = require("rt")
  kit.in_time(most, function()
    local start = rt.now()
    f()
    return rt.now() - start
  end)
end

describe("the end of the main chunk:", function()
  it("G24 unwinds tasks in every state, each <close> once, and the exit code is 0", function()
    local expected = {
      "accepting",
      "in __close",
      "in a coroutine",
      "in a coroutine's coroutine",
      "in a metamethod",
      "in a timeout",
      "in an interval",
      "in an iterator",
      "in pcall",
      "inner",
      "innermost",
      "joining",
      "joining several",
      "of __close",
      "reading",
      "reading a line",
      "sleeper",
      "sleeping",
      "sleeping for ever",
      "writing",
      "yielding",
    }
    local out
    in_time(4, function()
      out = quiet("tasks_in_every_state")
    end)
    assert.matches("^end\n", out)
    assert.is_nil(out:find("queued", 1, true))
    for _, name in ipairs(expected) do
      assert.equal(
        1,
        count(out, "closed " .. name:gsub("%p", "%%%0") .. "\n"),
        name .. " in " .. out
      )
    end
    assert.equal(#expected + 1, count(out, "\n"))
  end)

  it("a task closes its variables in reverse order, and sees why", function()
    assert.equal(
      "end\ninner\tcancelled: the program has ended\nouter\tcancelled: the program has ended\n",
      quiet("closing_in_reverse_order")
    )
  end)

  it("cleanup of main may wait, and tasks run meanwhile", function()
    assert.equal("end\nwork done\njoined\nclosed other\n", quiet("main_cleans_up_by_joining"))
  end)

  it("cleanup of tasks that wait for each other comes to an end", function()
    local out = quiet("tasks_that_join_each_other")
    for _, name in ipairs { "a", "b", "c" } do
      assert.equal(1, count(out, "closed " .. name .. "\n"), out)
    end
  end)

  it("a task that begins to clean up cannot start another", function()
    assert.matches(
      "^false\t[^\n]*the program has ended: no new tasks\n$",
      quiet("spawn_in_cleanup")
    )
  end)

  it("G25 a task that ignores its cancellation holds it up no longer than the grace", function()
    in_time(7, function()
      local code, out = run("task_ignores_cancellation", nil, 12)
      assert.equal(0, code)
      assert.matches("^end\n", out)
      assert.equal(1, count(out, "closed the stubborn\n"))
      assert.equal(1, count(out, "a late wait\tfalse\t[^\n]*no task is running"))
      assert.equal(1, count(out, "closed the other\n"))
    end)
  end)

  it("G25 a task that reads stdin is unwound, and does not hold it up", function()
    for _, where in ipairs { "blocking", "pool" } do
      in_time(1, function()
        local fifo = kit.file(nil, ".fifo")
        local command = kit.command(kit.program("blocking_read"), where)
        local code, out, err =
          kit.shell(("mkfifo %s; exec env %s 0<>%s"):format(fifo, command, fifo))
        assert.same({ 0, "closed\n", "" }, { code, out, err })
      end)
    end
  end)

  it("ten thousand tasks end at once", function()
    local out
    in_time(4, function()
      out = quiet("ten_thousand_tasks")
    end)
    assert.equal("10000\n", out)
  end)

  for _, title in ipairs {
    "a coroutine of a task is left waiting",
    "a finalizer waits for what never comes",
    "a listener is open",
    "a task is cancelled, and has not heard of it",
    "a task is cancelled, and nobody has asked",
    "connections are open",
    "everything is done",
    "finalizers use rt",
    "nothing has run yet",
    "rt is only loaded",
    "the body of a scope was left suspended, by a yield that is not rt's",
    "the last word is a coroutine that is left suspended",
  } do
    it("is quiet when " .. title, function()
      assert.equal("", quiet("quiet_ends", kit.quote(title)))
    end)
  end

  it("an error there unwinds the tasks; exit code 1", function()
    for _, raise in ipairs { "error", "rt.run", "rt.join" } do
      local code, out, err = run("error_in_main", raise)
      assert.equal(1, code)
      assert.matches("^closed main\n", out)
      assert.equal(1, count(out, "closed sleeper\n"))
      assert.equal(1, count(out, "closed joiner\n"))
      if raise ~= "rt.join" then
        assert.matches("^[^\n]*main fails\nstack traceback:\n", err)
      end
      assert.is_nil(err:find("unhandled", 1, true))
    end
  end)

  it("is as ever when the standard descriptors are closed", function()
    for _, closed in ipairs { "<&-", ">&-", "2>&-", "<&- >&- 2>&-" } do
      local command = kit.command(kit.program("read_and_exit"))
      assert.equal(7, (kit.shell("exec env " .. command .. " " .. closed)))
    end
  end)
end)

describe("Ctrl-C while the main chunk waits:", function()
  --- The end by a signal is in the exit code of rt-lua; in stock Lua it is an error.
  local expected = kit.in_rt_lua and 130 or 1

  it("unwinds the main chunk and the tasks", function()
    local it = kit.start_script(kit.program("main_and_task_sleep"))
    assert.equal("ready", it:line())
    it:signal("INT")
    assert.equal(expected, it:wait())
    assert.equal(1, count(it:output(), "closed main\n"))
    assert.equal(1, count(it:output(), "closed sleeper\n"))
  end)

  it("ends a task in a busy loop", function()
    local it = kit.start_script(kit.program("busy_task"))
    assert.equal("ready", it:line())
    it:signal("INT")
    assert.equal(expected, it:wait())
    assert.equal(1, count(it:output(), "closed main\n"))
    assert.equal(1, count(it:output(), "closed busy\n"))
  end)

  it("G25 ends such a task also if main waits for it in rt.join", function()
    local it = kit.start_script(kit.program("busy_task"), "join")
    assert.equal("ready", it:line())
    it:signal("INT")
    kit.wait_for(function()
      return it:ended()
    end, 4, "the end")
    assert.equal(expected, it:wait())
    assert.equal(1, count(it:output(), "closed main\n"))
    assert.equal(1, count(it:output(), "closed busy\n"))
  end)
end)

describe("an error that nobody joins:", function()
  it(
    "G6 is reported: the message, the task, where it was spawned, the traceback; exit code 1",
    function()
      local code, out, err = run("unhandled_error")
      assert.same({ 1, "end\n" }, { code, out })
      assert.equal((([[
rt: unhandled error in task 1 (worker), spawned at FILE:8
FILE:5: boom
stack traceback:
	[C]: in function 'error'
	FILE:5: in upvalue 'fail'
	FILE:9: in function <FILE:8>
	[C]: in ?
]]):gsub("FILE", kit.program("unhandled_error"))), err)
    end
  )

  it("G6 is reported while the main chunk sleeps, when its handle is gone", function()
    local it = kit.start_script(kit.program("unhandled_error_while_main_sleeps"))
    assert.equal("ready", it:line())
    assert.matches("^rt: unhandled error in task 1, spawned at ", it:line())
    assert.equal("dropped", it:line())
    assert.is_nil(it:ended())
    it:stop("KILL")
  end)

  it("G6 of a task of the pool is, too", function()
    local it = kit.start_script(kit.program("unhandled_error_while_main_sleeps"), "spawn")
    assert.equal("ready", it:line())
    assert.matches("^rt: unhandled error in task %d+, spawned at ", it:line())
    assert.is_nil(it:ended())
    it:stop("KILL")
  end)

  for _, mode in ipairs { "incremental", "generational" } do
    it("looking for errors that nobody joined comes to an end: " .. mode, function()
      quiet("failed_tasks_and_collector", mode)
    end)
  end

  it("one report each, in the order in which they failed", function()
    local code, _, err = run("six_tasks_fail")
    assert.equal(1, code)
    assert.equal(6, count(err, "unhandled error"))
    for i = 1, 5 do
      assert.equal(1, count(err, "\nno " .. i .. "\n"))
    end
    assert.equal(1, count(err, "\nlast\n"))
  end)

  it("is reported at the end when the handle is still there", function()
    local code, out, err = run("failed_task_is_kept")
    assert.same({ 1, "failed\n" }, { code, out })
    assert.equal(1, count(err, "unhandled error"))
  end)

  it("is reported when it comes from cleanup at the end", function()
    local code, _, err = run("error_in_cleanup_at_the_end")
    assert.equal(1, code)
    assert.matches("unhandled error in task 1.*in cleanup\n", err)
  end)

  it("joined errors are not: nothing on stderr, exit code 0", function()
    assert.equal("false\tboom\n", quiet("joined_errors"))
  end)

  it("a join that failed itself counts: the error goes on to who joins that", function()
    local code, _, err = run("join_that_fails_is_not_joined")
    assert.equal(1, code)
    assert.equal(1, count(err, "unhandled error"))
    assert.matches("unhandled error in task 2.*\nboom\n.*in task 1, spawned at", err)
  end)

  local objects = {
    ["a table"] = { "{}", "{}" },
    ["a table with __name"] = { "setmetatable({}, { __name = 'Problem' })", "Problem {}" },
    ["a table with fields"] = { "{ code = 5, 1 }", "{1, code = 5}" },
    ["a table with __tostring"] = {
      "setmetatable({}, { __tostring = function() return 'an object' end })",
      "an object",
    },
    ["nil"] = { "nil", "nil" },
    ["a boolean"] = { "false", "false" },
    ["a number"] = { "42", "42" },
    ["a function"] = { "print", "function: [^\n]*" },
  }
  for title, object in sorted(objects) do
    it("may be " .. title, function()
      local code, _, err = run("error_object", kit.quote(object[1]))
      assert.equal(1, code)
      assert.matches(
        "^rt: unhandled error in task 1, spawned at [^\n]*\n" .. object[2] .. "\nstack traceback:\n",
        err
      )
    end)
  end

  it("may be an object whose __tostring makes a coroutine that runs later", function()
    local _, out = run("coroutine_of_tostring")
    assert.equal("true\tfine\n", out)
  end)

  it("may be an object whose __tostring raises, returns no string, or never returns", function()
    for _, body in ipairs {
      "error('no text')",
      "return 1",
      "return nil",
      "while true do end",
      "while true do pcall(error) end",
      "coroutine.wrap(function() while true do end end)()",
    } do
      -- the error is found while main sleeps, or at the end
      for _, when in ipairs { "dropped", "kept" } do
        local code, _, err = run("error_object_without_text", kit.quote(body) .. " " .. when)
        assert.equal(1, code)
        assert.matches("rt: unhandled error in task 1, spawned at ", err)
        assert.matches("the next one", err)
      end
    end
  end)
end)

describe("rt.on_unhandled:", function()
  local failed = "rt: the function of rt%.on_unhandled failed: "

  it("replaces the report: it gets the error, the task and the traceback; exit code 0", function()
    local out = quiet("on_unhandled_gets")
    assert.matches("^3\t7\tworker\tfailed\nstack traceback:\n\t%[C%]: in function 'error'\n", out)
  end)

  it("is called while main goes on, and may wait", function()
    assert.equal("told\tboom\n", quiet("on_unhandled_waits"))
  end)

  it("is called at the end, too", function()
    assert.equal("main ends\nboom\n", quiet("on_unhandled_at_the_end"))
  end)

  it("nil brings the report back", function()
    local code, out, err = run("on_unhandled_nil")
    assert.same({ 1, "" }, { code, out })
    assert.matches("unhandled error in task 1", err)
  end)

  it("an error in it is reported, and it is not asked about that", function()
    local code, out, err = run("on_unhandled_fails")
    assert.same({ 1, "call 1\n" }, { code, out })
    assert.equal(1, count(err, failed))
    assert.matches("^" .. failed .. "[^\n]*: the handler fails\nstack traceback:\n", err)
    assert.equal(1, count(err, "unhandled error"))
    assert.matches(
      "\nrt: unhandled error in task 1, spawned at [^\n]*\nboom\nstack traceback:\n",
      err
    )
  end)

  it("an error in it at the end is reported", function()
    local code, out, err = run("on_unhandled_fails_at_the_end")
    assert.equal(1, code)
    assert.equal(1, count(out, "first\n"))
    assert.equal(1, count(out, "second\n"))
    assert.equal(2, count(err, failed .. "[^\n]*: the handler fails\nstack traceback:\n"))
    assert.equal(2, count(err, "unhandled error"))
    assert.matches("\nrt: unhandled error in task 1, spawned at [^\n]*\nfirst\n", err)
    assert.matches("\nrt: unhandled error in task 2, spawned at [^\n]*\nsecond\n", err)
  end)

  for _, title in ipairs {
    "of a local task",
    "of a local task whose handle is gone",
    "of a task of a worker's state",
    "of a task of the pool",
  } do
    it("G6 what it was told is not lost when it fails: " .. title, function()
      local code, _, err = run("on_unhandled_raises_nil", kit.quote(title))
      assert.equal(1, code)
      assert.matches("^" .. failed .. "nil\nstack traceback:\n", err)
      assert.equal(1, count(err, failed))
      assert.matches("\nrt: unhandled error in task %d+, spawned at [^\n]*\nboom\n", err)
      assert.equal(1, count(err, "unhandled error"))
    end)
  end

  it("G6 what it was told is not lost when it is cancelled, or closed", function()
    local untold = {
      cancelled = failed .. "cancelled: the program has ended\n",
      closed = "^rt: the function of rt.on_unhandled was closed before it returned\n",
    }
    for how, expected in pairs(untold) do
      local code, _, err = run("on_unhandled_is_interrupted", how)
      assert.equal(1, code)
      assert.matches(expected, err)
      assert.matches("\nrt: unhandled error in task 1, spawned at [^\n]*\nboom\n", err)
      assert.equal(1, count(err, "unhandled error"))
    end
  end)

  it("may end the program, and then has heard of the error", function()
    local code, _, err = run("on_unhandled_exits")
    assert.same({ 3, "" }, { code, err })
  end)

  it("refuses what is no function", function()
    assert.matches(
      "bad argument #1 to '[^']*on_unhandled' %(function expected, got number%)",
      kit.refused(require("rt").on_unhandled, 5)
    )
  end)
end)

describe("os.exit:", function()
  it("G25 the first one counts, with close in two tasks", function()
    assert.equal(3, (run("two_exits")))
  end)

  for _, place in ipairs {
    "in __close of a task",
    "in a coroutine of a task",
    "in a coroutine of the main chunk",
    "in a task",
    "in a task that a connection woke",
    "in a task that has waited",
    "in a task while main sleeps",
    "in pcall",
    "in pcall in a task",
    "in rt.on_unhandled",
    "in the main chunk",
  } do
    it("gives its exit code, " .. place, function()
      for arguments, expected in pairs {
        ["7"] = 7,
        ["true"] = 0,
        ["false"] = 1,
        [""] = 0,
        ["0"] = 0,
      } do
        local args = kit.quote(place) .. " " .. kit.quote(arguments)
        local code, out, err = run("exit_without_close", args)
        assert.same({ expected, "flushed\n", "" }, { code, out, err })
      end
    end)

    it("closes the state first if it is to, " .. place, function()
      for arguments, expected in pairs {
        ["7, true"] = 7,
        ["true, true"] = 0,
        ["false, true"] = 1,
        ["nil, true"] = 0,
      } do
        local args = kit.quote(place) .. " " .. kit.quote(arguments)
        local code, out, err = run("exit_with_close", args)
        assert.same({ expected, "" }, { code, err })
        assert.equal(1, count(out, "closed main\n"), out)
        assert.equal(1, count(out, "closed sleeper\n"), out)
        assert.matches("finalized\n$", out)
        assert.is_nil(out:find("goes on", 1, true))
      end
    end)
  end

  it("with close, closes the variables of the task that called it, too", function()
    for _, way in ipairs { "os.exit", "pcall", "coroutine.wrap" } do
      assert.equal("closed inner\nclosed outer\n", quiet("exit_in_task_with_variables", way))
    end
  end)

  it("where a task cannot be suspended, it ends the process as it stands", function()
    for arguments, expected in pairs {
      ["7"] = 7,
      ["7, true"] = 7,
      ["true, true"] = 0,
    } do
      local code, out, err = run("exit_in_comparator", kit.quote(arguments))
      assert.same({ expected, "flushed\n", "" }, { code, out, err })
    end
  end)

  it("what it says counts more than an unhandled error", function()
    for _, close in ipairs { "true", "false" } do
      assert.equal(0, (run("exit_after_error", "kept 0 " .. close)))
      assert.equal(3, (run("exit_after_error", "dropped 3 " .. close)))
    end
  end)
end)

describe("an error that comes out of a task into the main chunk:", function()
  it("carries both tracebacks in rt-lua; in stock Lua, that of the main chunk", function()
    local code, _, err = run("join_raises_in_main")
    assert.equal(1, code)
    assert.matches(
      "^[^\n]*: boom\nstack traceback:\n\t%[C%]: in method 'join'\n[^\n]*: in main chunk\n",
      err
    )
    local _, at_outer =
      err:find("\nin task 2, spawned at [^\n]*\nstack traceback:\n\t%[C%]: in method 'join'\n")
    local at_inner = err:find(
      "\nin task 1, spawned at [^\n]*\nstack traceback:\n\t%[C%]: in function 'error'\n"
        .. "[^\n]* in upvalue 'fail'\n"
    )
    if kit.in_rt_lua then
      assert.is_true(at_outer ~= nil and at_inner ~= nil and at_outer < at_inner, err)
    else
      assert.same({}, { at_outer, at_inner })
    end
  end)

  it("leaves error objects as they are", function()
    assert.equal("true\n", quiet("error_object_in_main"))
  end)
end)
