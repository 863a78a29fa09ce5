--- How a program ends: what is unwound, what is said, and with which exit code.
local kit = require("kit")
local sorted = require("pl.tablex").sort -- as pairs, in the order of the keys

--- What the scripts share: objects that say when they are closed, and two ends of a connection.
local prelude = [[
  local rt = require "rt"
  local function guard(text)
    return setmetatable({}, { __close = function() print("closed " .. text) end })
  end
  local function pair()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    return client, assert(listener:accept()), listener
  end
]]

local function run(text, seconds)
  return kit.run(prelude .. text, nil, seconds)
end

--- Runs a script that must end well and quietly; returns its output.
local function quiet(text)
  local code, out, err = run(text)
  assert.same({ 0, "" }, { code, err })
  return out
end

local function count(text, what)
  return select(2, text:gsub(what, ""))
end

local function seconds_for(f)
  local rt = require("rt")
  local start = rt.now()
  f()
  return rt.now() - start
end

describe("the end of the main chunk:", function()
  it("G24 unwinds tasks in every state, each <close> once, and the exit code is 0", function()
    local waits = {
      yielding = "while true do rt.yield() end",
      sleeping = "rt.sleep(1000)",
      ["sleeping for ever"] = "rt.sleep(math.huge)",
      reading = "client:recv()",
      ["reading a line"] = "local c <const>, s = pair() s:write('half') c:read('l')",
      writing = "local c = pair() while true do c:write(('x'):rep(100000)) end",
      accepting = "listener:accept()",
      joining = "sleeper:join()",
      ["joining several"] = "rt.join(sleeper, function() local g <close> = guard('inner') rt.sleep(1000) end)",
      ["in a timeout"] = "rt.timeout(1000, rt.sleep, 1000)",
      ["in an interval"] = "for _ in rt.interval(1000) do end",
      ["in pcall"] = "pcall(rt.sleep, 1000)",
      ["in a coroutine"] = [[coroutine.wrap(function()
        local g <close> = guard("in a coroutine's coroutine")
        coroutine.wrap(function() local g <close> = guard("innermost") rt.sleep(1000) end)()
      end)()]],
      ["in an iterator"] = "for _ in coroutine.wrap(function() rt.sleep(1000) coroutine.yield(1) end) do end",
      ["in a metamethod"] = "return setmetatable({}, { __index = function() rt.sleep(1000) end }).x",
      ["in __close"] = [[do
        local c <close> = setmetatable({}, { __close = function()
          local g <close> = guard("of __close") rt.sleep(1000)
        end })
      end]],
    }
    local script = {
      "local client, server, listener = pair()\n",
      "local sleeper = rt.spawn_local(function() local g <close> = guard('sleeper') rt.sleep(1000) end)\n",
    }
    local expected = { "sleeper", "inner", "in a coroutine's coroutine", "innermost", "of __close" }
    for name, wait in sorted(waits) do
      expected[#expected + 1] = name
      script[#script + 1] = ("rt.spawn_local(function() local g <close> = guard(%q) %s end)\n"):format(
        name,
        wait
      )
    end
    script[#script + 1] = [[
      for _ = 1, 20 do rt.yield() end
      rt.sleep(0.05)
      print("end")
      rt.spawn_local(function() print("a queued task ran") end)
    ]]
    local out
    local took = seconds_for(function()
      out = quiet(table.concat(script))
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
    assert.is_true(took < 4 * kit.slow)
  end)

  it("a task closes its variables in reverse order, and sees why", function()
    assert.equal(
      "end\ninner\tcancelled: the program has ended\nouter\tcancelled: the program has ended\n",
      quiet([[
      local function tell(text)
        return setmetatable({}, { __close = function(_, e) print(text, e) end })
      end
      rt.spawn_local(function()
        local outer <close> = tell("outer")
        local inner <close> = tell("inner")
        rt.sleep(1000)
      end)
      rt.yield()
      print("end")
    ]])
    )
  end)

  it("cleanup of main may wait, and tasks run meanwhile", function()
    assert.equal(
      "end\nwork done\njoined\nclosed other\n",
      quiet([[
      local task = rt.spawn_local(function() rt.sleep(0.02) print("work done") end)
      rt.spawn_local(function() local g <close> = guard("other") rt.sleep(1000) end)
      local c <close> = setmetatable({}, { __close = function() task:join() print("joined") end })
      rt.yield()
      print("end")
    ]])
    )
  end)

  it("cleanup of tasks that wait for each other comes to an end", function()
    local out = quiet([[
      local a, b
      a = rt.spawn_local(function() local g <close> = guard("a") rt.yield() b:join() end)
      b = rt.spawn_local(function() local g <close> = guard("b") a:join() end)
      rt.spawn_local(function()
        local g <close> = setmetatable({}, { __close = function() print(pcall(a.join, a)) print("closed c") end })
        rt.sleep(1000)
      end)
      rt.sleep(0.01)
    ]])
    for _, name in ipairs { "a", "b", "c" } do
      assert.equal(1, count(out, "closed " .. name .. "\n"), out)
    end
  end)

  it("a task that begins to clean up cannot start another", function()
    assert.matches(
      "^false\t[^\n]*the program has ended: no new tasks\n$",
      quiet([[
      rt.spawn_local(function()
        local g <close> = setmetatable({}, { __close = function() print(pcall(rt.spawn_local, print)) end })
        rt.sleep(1000)
      end)
      rt.yield()
    ]])
    )
  end)

  it("G25 a task that ignores its cancellation holds it up no longer than the grace", function()
    local took = seconds_for(function()
      local code, out = run(
        [[
        rt.spawn_local(function()
          local late <close> = setmetatable({}, { __close = function()
            print("a late wait", pcall(rt.sleep, 60))
          end })
          local g <close> = guard("the stubborn")
          while true do pcall(rt.sleep, 1) end
        end)
        rt.spawn_local(function() local g <close> = guard("the other") rt.sleep(1000) end)
        rt.sleep(0.01)
        print("end")
      ]],
        12
      )
      assert.equal(0, code)
      assert.matches("^end\n", out)
      assert.equal(1, count(out, "closed the stubborn\n"))
      assert.equal(1, count(out, "a late wait\tfalse\t[^\n]*no task is running"))
      assert.equal(1, count(out, "closed the other\n"))
    end)
    assert.is_true(took < 7 * kit.slow, "it took " .. took .. " s")
  end)

  it("ten thousand tasks end at once", function()
    local out
    local took = seconds_for(function()
      out = quiet([[
        local n = 0
        local meta = { __close = function() n = n + 1 end }
        at_end = setmetatable({}, { __gc = function() print(n) end })
        for _ = 1, 10000 do
          rt.spawn_local(function() local g <close> = setmetatable({}, meta) rt.sleep(1000) end)
        end
        rt.yield()
      ]])
    end)
    assert.equal("10000\n", out)
    assert.is_true(took < 4 * kit.slow)
  end)

  for title, script in sorted {
    ["rt is only loaded"] = "",
    ["nothing has run yet"] = "rt.spawn_local(print, 'never')",
    ["everything is done"] = "rt.run(rt.yield)",
    ["a listener is open"] = "listener = rt.tcp.listen('127.0.0.1', 0)",
    ["connections are open"] = "client, server = pair() client:write('unread')",
    ["a task is cancelled, and has not heard of it"] = "local t = rt.spawn_local(function() rt.sleep(1000) end) rt.yield() t:cancel()",
    ["a task is cancelled, and nobody has asked"] = "local t = rt.spawn_local(function() rt.sleep(1000) end) rt.yield() t:cancel() rt.sleep(0.01)",
    ["the last word is a coroutine that is left suspended"] = "co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co)",
    ["a coroutine of a task is left waiting"] = "co = coroutine.create(rt.sleep) rt.spawn_local(function() coroutine.resume(co, 1000) end) rt.yield()",
    ["a finalizer waits for what never comes"] = "local log = rt.channel(0) logger = setmetatable({}, { __gc = function() pcall(log.send, log, 'bye') end }) rt.spawn_local(rt.sleep, 1000) rt.yield()",
    ["the body of a scope was left suspended, by a yield that is not rt's"] = "local yield = require('rt.core')['original coroutine.yield'] co = coroutine.wrap(function() rt.scope(function() yield() end) end) co()",
    ["finalizers use rt"] = "x = setmetatable({}, { __gc = function() pcall(rt.sleep, 1) pcall(rt.spawn_local, print) rt.now() end })",
  } do
    it("is quiet when " .. title, function()
      assert.equal("", quiet(script))
    end)
  end

  it("an error there unwinds the tasks; exit code 1", function()
    for _, raise in ipairs { "error('main fails')", "rt.run(error, 'main fails')", "rt.join(error)" } do
      local code, out, err = run([[
        rt.spawn_local(function() local g <close> = guard("sleeper") rt.sleep(1000) end)
        rt.spawn_local(function() local g <close> = guard("joiner") rt.spawn_local(rt.sleep, 1000):join() end)
        local m <close> = guard("main")
        rt.sleep(0.01)
      ]] .. raise)
      assert.equal(1, code)
      assert.matches("^closed main\n", out)
      assert.equal(1, count(out, "closed sleeper\n"))
      assert.equal(1, count(out, "closed joiner\n"))
      if raise ~= "rt.join(error)" then
        assert.matches("^[^\n]*main fails\nstack traceback:\n", err)
      end
      assert.is_nil(err:find("unhandled", 1, true))
    end
  end)

  it("is as ever when the standard descriptors are closed", function()
    for _, closed in ipairs { "<&-", ">&-", "2>&-", "<&- >&- 2>&-" } do
      local command = kit.command(prelude .. [[
        local client, server = pair()
        client:write("hello\n")
        os.exit(server:read("l") == "hello" and 7 or 8, true)
      ]])
      assert.equal(7, (kit.shell("exec env " .. command .. " " .. closed)))
    end
  end)
end)

describe("Ctrl-C while the main chunk waits:", function()
  --- rt-lua says with which signal it ended; stock Lua knows of an error.
  local expected = kit.in_rt_lua and 130 or 1

  it("unwinds the main chunk and the tasks", function()
    local it = kit.start_script(prelude .. [[
      io.stdout:setvbuf("line")
      local m <close> = guard("main")
      rt.spawn_local(function() local g <close> = guard("sleeper") rt.sleep(1000) end)
      rt.spawn_local(function() print("ready") end)
      rt.sleep(1000)
    ]])
    assert.equal("ready", it:line())
    it:signal("INT")
    assert.equal(expected, it:wait())
    assert.equal(1, count(it:output(), "closed main\n"))
    assert.equal(1, count(it:output(), "closed sleeper\n"))
  end)

  it("ends a task in a busy loop", function()
    if kit.flavor == "tsan" then
      return pending("the thread sanitizer puts a signal off until the program waits")
    end
    local it = kit.start_script(prelude .. [[
      io.stdout:setvbuf("line")
      local m <close> = guard("main")
      rt.spawn_local(function() local g <close> = guard("busy") print("ready") while true do end end)
      rt.sleep(1000)
    ]])
    assert.equal("ready", it:line())
    it:signal("INT")
    assert.equal(expected, it:wait())
    assert.equal(1, count(it:output(), "closed main\n"))
    assert.equal(1, count(it:output(), "closed busy\n"))
  end)
end)

describe("an error that nobody joins:", function()
  it(
    "G6 is reported: the message, the task, where it was spawned, the traceback; exit code 1",
    function()
      local path = kit.file([[
local rt = require "rt"
local function fail() error("boom") end
local task = rt.spawn_local(function() fail() end)
task.name = "worker"
rt.sleep(0.01)
print("end")
]])
      local code, out, err =
        kit.shell(("exec env %s %s %s"):format(kit.host_env, kit.quote(kit.host), path))
      assert.same({ 1, "end\n" }, { code, out })
      assert.equal((([[
rt: unhandled error in task 1 (worker), spawned at FILE:3
FILE:2: boom
stack traceback:
	[C]: in function 'error'
	FILE:2: in upvalue 'fail'
	FILE:3: in function <FILE:3>
	[C]: in ?
]]):gsub("FILE", path)), err)
    end
  )

  it("G6 is reported while the main chunk sleeps, when its handle is gone", function()
    local it = kit.start_script(prelude .. [[
      io.stdout:setvbuf("line")
      rt.spawn_local(error, "dropped")
      print("ready")
      rt.sleep(60)
    ]])
    assert.equal("ready", it:line())
    assert.matches("^rt: unhandled error in task 1, spawned at ", it:line())
    assert.equal("dropped", it:line())
    assert.is_nil(it:ended())
    it:stop("KILL")
  end)

  for _, mode in ipairs { "incremental", "generational" } do
    it("looking for errors that nobody joined comes to an end: " .. mode, function()
      quiet(([[
        collectgarbage("%s")
        local kept = rt.spawn_local(error, "kept")
        local told
        rt.on_unhandled(function(e) told = e end)
        rt.spawn_local(error, "dropped")
        rt.sleep(0.2)
        local before = os.clock()
        rt.sleep(0.5)
        assert(os.clock() - before < 0.25, os.clock() - before)
        assert(told == "dropped", told)
        assert(not pcall(kept.join, kept))
      ]]):format(mode))
    end)
  end

  it("one report each, in the order in which they failed", function()
    local code, _, err = run([[
      for i = 1, 5 do rt.spawn_local(function() rt.sleep((6 - i) / 100) error("no " .. i, 0) end) end
      rt.sleep(0.1)
      rt.spawn_local(error, "last", 0)
      rt.yield()
    ]])
    assert.equal(1, code)
    assert.equal(6, count(err, "unhandled error"))
    for i = 1, 5 do
      assert.equal(1, count(err, "\nno " .. i .. "\n"))
    end
    assert.equal(1, count(err, "\nlast\n"))
  end)

  it("is reported at the end when the handle is still there", function()
    local code, out, err = run([[
      task = rt.spawn_local(error, "kept")
      rt.sleep(0.05)
      print(task:status())
    ]])
    assert.same({ 1, "failed\n" }, { code, out })
    assert.equal(1, count(err, "unhandled error"))
  end)

  it("is reported when it comes from cleanup at the end", function()
    local code, _, err = run([[
      rt.spawn_local(function()
        local g <close> = setmetatable({}, { __close = function() error("in cleanup") end })
        rt.sleep(1000)
      end)
      rt.yield()
    ]])
    assert.equal(1, code)
    assert.matches("unhandled error in task 1.*in cleanup\n", err)
  end)

  it("joined errors are not: nothing on stderr, exit code 0", function()
    assert.equal(
      "false\tboom\n",
      quiet([[
      local task = rt.spawn_local(error, "boom", 0)
      local other = rt.spawn_local(function() return pcall(task.join, task) end)
      print(other:join())
      pcall(rt.join, function() error("one") end, function() error("two") end)
      pcall(rt.run, error, {})
    ]])
    )
  end)

  it("a join that failed itself counts: the error goes on to who joins that", function()
    local code, _, err = run([[
      local inner = rt.spawn_local(error, "boom", 0)
      rt.spawn_local(function() inner:join() end)
      rt.sleep(0.01)
    ]])
    assert.equal(1, code)
    assert.equal(1, count(err, "unhandled error"))
    assert.matches("unhandled error in task 2.*\nboom\n.*in task 1, spawned at", err)
  end)

  local objects = {
    ["a table"] = { "{}", "table: 0x%x+" },
    ["a table with __name"] = { "setmetatable({}, { __name = 'Problem' })", "Problem: 0x%x+" },
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
      local code, _, err =
        run("rt.spawn_local(function() error(" .. object[1] .. ") end) rt.sleep(0.02)")
      assert.equal(1, code)
      assert.matches(
        "^rt: unhandled error in task 1, spawned at [^\n]*\n" .. object[2] .. "\nstack traceback:\n",
        err
      )
    end)
  end

  it("may be an object whose __tostring raises, or returns no string", function()
    for _, body in ipairs { "error('no text')", "return 1", "return nil" } do
      for _, when in ipairs { "_ = nil", "" } do -- while main sleeps; at the end
        local code, _, err = run([[
          _ = rt.spawn_local(function()
            error(setmetatable({}, { __tostring = function() ]] .. body .. [[ end }))
          end)
          ]] .. when .. [[
          rt.sleep(0.05)
          other = rt.spawn_local(error, "the next one")
          rt.sleep(0.05)
        ]])
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
    local out = quiet([[
      rt.on_unhandled(function(...)
        local e, task, traceback = ...
        print(select("#", ...), e.code, task.name, task:status())
        print(traceback)
      end)
      local task = rt.spawn_local(function() error({ code = 7 }) end)
      task.name = "worker"
      task = nil
      rt.sleep(0.05)
    ]])
    assert.matches("^3\t7\tworker\tfailed\nstack traceback:\n\t%[C%]: in function 'error'\n", out)
  end)

  it("is called while main goes on, and may wait", function()
    assert.equal(
      "told\tboom\n",
      quiet([[
      local told
      rt.on_unhandled(function(e) rt.sleep(0.01) told = e end)
      rt.spawn_local(error, "boom", 0)
      for _ = 1, 500 do
        if told then break end
        rt.sleep(0.01)
      end
      print("told", told)
    ]])
    )
  end)

  it("is called at the end, too", function()
    assert.equal(
      "main ends\nboom\n",
      quiet([[
      rt.on_unhandled(function(e) print(e) end)
      task = rt.spawn_local(error, "boom", 0)
      rt.yield()
      print("main ends")
    ]])
    )
  end)

  it("nil brings the report back", function()
    local code, out, err = run([[
      rt.on_unhandled(print)
      rt.on_unhandled(nil)
      rt.spawn_local(error, "boom", 0)
      rt.sleep(0.02)
    ]])
    assert.same({ 1, "" }, { code, out })
    assert.matches("unhandled error in task 1", err)
  end)

  it("an error in it is reported, and it is not asked about that", function()
    local code, out, err = run([[
      local calls = 0
      rt.on_unhandled(function(e)
        calls = calls + 1
        print("call " .. calls)
        error("the handler fails")
      end)
      rt.spawn_local(error, "boom", 0)
      for _ = 1, 500 do
        if calls > 0 then break end
        rt.sleep(0.01)
      end
    ]])
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
    local code, out, err = run([[
      rt.on_unhandled(function(e) print(e) error("the handler fails") end)
      a = rt.spawn_local(error, "first", 0)
      b = rt.spawn_local(error, "second", 0)
      rt.yield()
    ]])
    assert.equal(1, code)
    assert.equal(1, count(out, "first\n"))
    assert.equal(1, count(out, "second\n"))
    assert.equal(2, count(err, failed .. "[^\n]*: the handler fails\nstack traceback:\n"))
    assert.equal(2, count(err, "unhandled error"))
    assert.matches("\nrt: unhandled error in task 1, spawned at [^\n]*\nfirst\n", err)
    assert.matches("\nrt: unhandled error in task 2, spawned at [^\n]*\nsecond\n", err)
  end)

  local told_of = {
    ["of a local task"] = "t = rt.spawn_local(error, 'boom', 0) rt.yield()",
    ["of a local task whose handle is gone"] = "rt.spawn_local(error, 'boom', 0) rt.yield()",
    ["of a task of the pool"] = "t = rt.spawn(error, 'boom', 0) repeat rt.sleep(0.01) until t:status() == 'failed'",
    ["of a task of a worker's state"] = [[
      rt.spawn(function()
        rt.on_unhandled(function(e) error(nil) end)
        t = rt.spawn_local(error, "boom", 0)
        rt.yield()
      end):join()]],
  }
  for title, script in sorted(told_of) do
    it("G6 what it was told is not lost when it fails: " .. title, function()
      local code, _, err = run("rt.on_unhandled(function(e) error(nil) end) " .. script)
      assert.equal(1, code)
      assert.matches("^" .. failed .. "nil\nstack traceback:\n", err)
      assert.equal(1, count(err, failed))
      assert.matches("\nrt: unhandled error in task %d+, spawned at [^\n]*\nboom\n", err)
      assert.equal(1, count(err, "unhandled error"))
    end)
  end

  it("G6 what it was told is not lost when it is cancelled, or closed", function()
    local untold = {
      ["rt.sleep(60)"] = failed .. "cancelled: the program has ended\n",
      ["while true do pcall(rt.sleep, 60) end"] = "^rt: the function of rt.on_unhandled was closed before it returned\n",
    }
    for body, expected in pairs(untold) do
      local code, _, err = run(([[
        local called
        rt.on_unhandled(function() called = true %s end)
        rt.spawn_local(error, "boom", 0)
        repeat rt.sleep(0.01) until called
      ]]):format(body))
      assert.equal(1, code)
      assert.matches(expected, err)
      assert.matches("\nrt: unhandled error in task 1, spawned at [^\n]*\nboom\n", err)
      assert.equal(1, count(err, "unhandled error"))
    end
  end)

  it("may end the program, and then has heard of the error", function()
    local code, _, err = run([[
      rt.on_unhandled(function() os.exit(3, true) end)
      rt.spawn_local(error, "boom", 0)
      rt.sleep(60)
    ]])
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
  local places = {
    ["in the main chunk"] = "EXIT",
    ["in pcall"] = "pcall(function() EXIT end)",
    ["in a coroutine of the main chunk"] = "coroutine.wrap(function() EXIT end)()",
    ["in a task"] = "rt.run(function() EXIT end)",
    ["in pcall in a task"] = "rt.run(function() pcall(function() EXIT end) print('goes on') end)",
    ["in a coroutine of a task"] = "rt.run(function() coroutine.wrap(function() EXIT end)() print('goes on') end)",
    ["in a task while main sleeps"] = "rt.spawn_local(function() EXIT print('goes on') end) rt.sleep(1000)",
    ["in a task that has waited"] = "rt.spawn_local(function() rt.sleep(0.001) EXIT end) rt.sleep(1000)",
    ["in a task that a connection woke"] = "local c, s = pair() rt.spawn_local(function() s:recv() EXIT end) c:write('x') rt.sleep(1000)",
    ["in __close of a task"] = "rt.run(function() local c <close> = setmetatable({}, { __close = function() EXIT end }) end)",
    ["in rt.on_unhandled"] = "rt.on_unhandled(function() EXIT end) rt.spawn_local(error) rt.sleep(1000)",
  }
  for place, script in sorted(places) do
    it("gives its exit code, " .. place, function()
      for call, expected in pairs {
        ["os.exit(7)"] = 7,
        ["os.exit(true)"] = 0,
        ["os.exit(false)"] = 1,
        ["os.exit()"] = 0,
        ["os.exit(0)"] = 0,
      } do
        local code, out, err = run([[
          rt.spawn_local(function() local g <close> = guard("sleeper") rt.sleep(1000) end)
          rt.yield()
          io.write("flushed\n")
        ]] .. script:gsub("EXIT", call))
        assert.same({ expected, "flushed\n", "" }, { code, out, err })
      end
    end)

    it("closes the state first if it is to, " .. place, function()
      for call, expected in pairs {
        ["os.exit(7, true)"] = 7,
        ["os.exit(true, true)"] = 0,
        ["os.exit(false, true)"] = 1,
        ["os.exit(nil, true)"] = 0,
      } do
        local code, out, err = run([[
          at_end = setmetatable({}, { __gc = function() print("finalized") end })
          local m <close> = guard("main")
          rt.spawn_local(function() local g <close> = guard("sleeper") rt.sleep(1000) end)
          rt.yield()
        ]] .. script:gsub("EXIT", call))
        assert.same({ expected, "" }, { code, err })
        assert.equal(1, count(out, "closed main\n"), out)
        assert.equal(1, count(out, "closed sleeper\n"), out)
        assert.matches("finalized\n$", out)
        assert.is_nil(out:find("goes on", 1, true))
      end
    end)
  end

  it("with close, closes the variables of the task that called it, too", function()
    for _, call in ipairs {
      "os.exit(0, true)",
      "pcall(os.exit, 0, true)",
      "coroutine.wrap(os.exit)(0, true)",
    } do
      assert.equal(
        "closed inner\nclosed outer\n",
        quiet([[
        rt.run(function()
          local o <close> = guard("outer")
          local i <close> = guard("inner")
          ]] .. call .. [[
          print("goes on")
        end)
      ]])
      )
    end
  end)

  it("where a task cannot be suspended, it ends the process as it stands", function()
    for call, expected in pairs {
      ["os.exit(7)"] = 7,
      ["os.exit(7, true)"] = 7,
      ["os.exit(true, true)"] = 0,
    } do
      local code, out, err = run([[
        io.write("flushed\n")
        rt.run(function()
          table.sort({ 1, 2, 3 }, function() ]] .. call .. [[ end)
          print("goes on")
        end)
      ]])
      assert.same({ expected, "flushed\n", "" }, { code, out, err })
    end
  end)

  it("what it says counts more than an unhandled error", function()
    for _, close in ipairs { "true", "false" } do
      local code =
        run("t = rt.spawn_local(error, 'boom') rt.sleep(0.01) os.exit(0, " .. close .. ")")
      assert.equal(0, code)
      code = run("rt.spawn_local(error, 'boom') rt.sleep(0.1) os.exit(3, " .. close .. ")")
      assert.equal(3, code)
    end
  end)
end)

describe("an error that comes out of a task into the main chunk:", function()
  it("carries both tracebacks in rt-lua; in stock Lua, that of the main chunk", function()
    local code, _, err = run([[
      local function fail() error("boom") end
      local inner = rt.spawn_local(function() fail() end)
      local outer = rt.spawn_local(function() inner:join() end)
      outer:join()
    ]])
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
    assert.equal(
      "true\n",
      quiet([[
      local object = {}
      local ok, e = pcall(rt.run, error, object)
      print(e == object)
    ]])
    )
  end)
end)
