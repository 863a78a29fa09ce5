--- A program in which no task can ever go on says so, and ends; one that can is left alone.
local kit = require("kit")

local waits_for = ", waiting for (%a+) for "

--- Runs a script with so many workers; it must end with a report. Returns that.
local function deadlocked(workers, script)
  local configured = ("local rt = require 'rt' rt.configure{ workers = %d }\n"):format(workers)
  local begun, code, out, err
  for _ = 1, 3 do -- (the report goes on without a worker that gets no processor)
    begun = require("rt").now()
    code, out, err = kit.run(configured .. script)
    if
      not err:find("does not answer", 1, true) and not err:find("too many for the time", 1, true)
    then
      break
    end
  end
  assert.equal(1, code, out .. err)
  assert.matches("rt: deadlock: no task can go on", err, 1, true)
  assert.matches("lua[%d.]*: [^\n]*deadlock: no task can go on", err) -- that of the main chunk
  assert.is_nil(err:find("unhandled", 1, true), err)
  return err, out, require("rt").now() - begun
end

--- What waits, and how often: "join receive receive".
local function waits(report)
  local found = {}
  for op in report:gmatch(waits_for) do
    found[#found + 1] = op
  end
  table.sort(found)
  return table.concat(found, " ")
end

local cases = {
  { "the main chunk alone", "receive", "rt.channel():recv()" },
  { "a channel that nobody fills", "join receive", "rt.spawn(function() ch:recv() end):join()" },
  {
    "a channel that nobody empties",
    "join send",
    "rt.spawn(function() ch:send(1) ch:send(2) end):join()",
  },
  { "a sender of a rendezvous", "send", "rt.channel(0):send(1)" },
  {
    "tasks of a state that join each other",
    "join join join",
    [[local a, b
    a = rt.spawn_local(function() b:join() end)
    b = rt.spawn_local(function() a:join() end)
    a:join()]],
  },
  {
    "tasks of the pool that join each other",
    "join join join",
    [[local a = rt.spawn(function() return ch:recv():join() end)
    local b = rt.spawn(function() return a:join() end)
    ch:send(b)
    a:join()]],
  },
  {
    "two locks in two orders",
    "join lock lock",
    [[local one, two, both = rt.mutex(), rt.mutex(), rt.barrier(2)
    local function take(first, second) first:lock() both:wait() second:lock() end
    local a, b = rt.spawn(take, one, two), rt.spawn(take, two, one)
    a:join()]],
  },
  {
    "a lock that its holder never gives back",
    "join lock receive",
    [[local lock = rt.mutex()
    local holder = rt.spawn(function() lock:lock() ch:send(1) rt.channel():recv() end)
    ch:recv()
    rt.spawn(function() lock:lock() end):join()]],
  },
  {
    "permits that never come back",
    "acquire join",
    [[local s = rt.semaphore(1)
    s:acquire()
    rt.spawn(function() s:acquire() end):join()]],
  },
  {
    "a barrier that is one short",
    "barrier barrier",
    "local b = rt.barrier(3) rt.spawn(function() b:wait() end) b:wait()",
  },
  { "a wake-up that never comes", "notify", "rt.notify():wait()" },
  {
    "a value that never changes",
    "change join",
    [[local w = rt.watch(1)
    rt.spawn(function() w:changed() end):join()]],
  },
  {
    "a select over all that",
    "receive select",
    [[local task = rt.spawn_local(function() rt.yield() rt.channel():recv() end)
    rt.select(ch:recv_op(), task:join_op(), rt.semaphore(0):acquire_op())]],
  },
  {
    "a job that blocks on a channel",
    "join receive",
    "rt.spawn_blocking(function() ch:recv() end):join()",
  },
  {
    "a socket that nobody reads",
    "receive",
    [[local l = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = l:sock()
    local c = assert(rt.tcp.connect("127.0.0.1", port))
    local s = assert(l:accept())
    c:write("hello")
    ch:recv()]],
  },
}

describe("a deadlock", function()
  for _, case in ipairs(cases) do
    it("G26 is reported: " .. case[1], function()
      for _, workers in ipairs { 1, 2, 4 } do
        local report = deadlocked(workers, "local ch = rt.channel(1)\n" .. case[3])
        assert.equal(case[2], waits(report))
      end
    end)
  end

  it("G26 names each task, its worker, its wait and its place, with a traceback", function()
    local report = deadlocked(
      2,
      [[
        local ch = rt.channel()
        local function deeper() return (ch:recv()) end
        local reader = rt.spawn(function()
          rt.current().name = "reader"
          coroutine.wrap(function() deeper() end)()
        end)
        local here = rt.spawn_local(function() reader:join() end)
        here.name = "here"
        here:join()
      ]]
    )
    local main, pool = report:match("(main: .-)(pool %d: .*)")
    assert.matches(
      "task %d+ %(main%), waiting for join for [%d.]+ s\n    [^\n]*\n[^\n]*:10: in main",
      main
    )
    assert.matches(
      "task %d+ %(here%), waiting for join for [%d.]+ s, spawned at [^\n]*:8\n    [^\n]*\n[^\n]*:8: in",
      main
    )
    assert.matches(
      "task %d+ %(reader%), waiting for receive for [%d.]+ s, spawned at [^\n]*:4\n    [^\n]*\n[^\n]*:3: in upvalue 'deeper'",
      pool
    )
  end)

  it("G26 is reported at once", function()
    local _, _, took = deadlocked(2, "rt.spawn(function() rt.channel():recv() end):join()")
    assert.is_true(took < 2 * kit.slow, took)
    kit.in_time(kit.flavor == "" and 0.1 or 2, function()
      local code, out = kit.run([[
        local rt = require "rt"
        local task = rt.spawn(function() rt.sleep(0.01) rt.channel():recv() end)
        rt.spawn(function() end):join()
        local begun = rt.now() + 0.01
        print(pcall(task.join, task))
        print(("%.6f"):format(rt.now() - begun))
      ]])
      assert.equal(1, code)
      return tonumber(out:match("[%d.-]+\n$"))
    end)
  end)

  it("G26 is an error of the main chunk's wait, and the program unwinds", function()
    local _, out = deadlocked(
      2,
      [[
        local function guard(text)
          return setmetatable({}, { __close = function() print("closed " .. text) end })
        end
        local ch = rt.channel()
        local g <close> = guard("main")
        rt.spawn(function() local g <close> = guard("pool") ch:recv() end)
        rt.spawn_local(function() local g <close> = guard("local") ch:recv() end)
        ch:recv()
      ]]
    )
    for _, what in ipairs { "main", "pool", "local" } do
      assert.equal(1, select(2, out:gsub("closed " .. what, "")), out)
    end
  end)

  it("G26 counts even if the main chunk catches the error, and does not end by itself", function()
    local code, out, err = kit.run([[
      local rt = require "rt"
      local ch = rt.channel(1)
      local task = rt.spawn_local(function() return ch:recv() end)
      print(pcall(task.join, task))
      ch:send("now") -- what it waits for comes after all
      print(task:join())
    ]])
    assert.equal(1, code, err)
    assert.matches("^false\t[^\n]*deadlock: [^\n]*\nnow\n$", out)
    code, out, err = kit.run([[
      local rt = require "rt"
      local ch = rt.channel()
      local g <close> = setmetatable({}, { __close = function() print("closed") end })
      while true do pcall(ch.recv, ch) end
    ]])
    assert.equal(1, code, err)
    assert.equal("closed\n", out)
  end)

  it("G26 is one in the cleanup of a program that ends by a signal, too", function()
    local it = kit.start_script([[
      local rt = require "rt"
      io.stdout:setvbuf("line")
      print("ready")
      pcall(rt.sleep, 100)
      rt.shield(function() rt.channel():recv() end)
    ]])
    assert.equal("ready", it:line())
    it:signal("INT")
    assert.equal(kit.in_rt_lua and 130 or 1, it:wait())
    assert.matches("rt: deadlock", it:output(), 1, true)
  end)

  it("G26 is reported when every blocking worker waits for a job that finds none", function()
    local report = deadlocked(
      1,
      [[
        rt.configure{ blocking = 2 }
        local function outer() return rt.spawn_blocking(function() return 1 end):join() end
        local b = rt.barrier(2)
        local a, c = rt.spawn_blocking(function() b:wait() outer() end), rt.spawn_blocking(function() b:wait() outer() end)
        a:join()
      ]]
    )
    assert.equal(2, select(2, report:gsub("task %d+, queued", "")))
  end)
end)

describe("no deadlock is reported", function()
  local function fine(script, args)
    local code, out, err = kit.run("local rt = require 'rt'\n" .. script, args, 60)
    assert.same({ 0, "" }, { code, err })
    return out
  end

  it("G26 while a timer, a socket, a name or a job is waited for", function()
    local out = fine([[
      rt.sleep(0.02)
      assert(select(2, rt.timeout(0.02, function() rt.channel():recv() end)) == "timeout")
      rt.select(rt.channel():recv_op(), rt.sleep_op(0.02))
      for _ in rt.interval(0.02) do break end
      rt.spawn(function() rt.sleep(0.02) end):join()
      rt.spawn_local(function() rt.sleep(0.02) end):join()
      rt.spawn_blocking(os.execute, "sleep 0.1"):join()
      rt.spawn_blocking(function() io.popen("sleep 0.1"):read("a") end):join()
      local l = assert(rt.tcp.listen("127.0.0.1", 0))
      local _, port = l:sock()
      local late = rt.spawn_blocking(function() os.execute("sleep 0.1") return rt.tcp.connect("127.0.0.1", port) end)
      local s = assert(l:accept())
      rt.spawn(function(s) s:recv() end, s):join(rt.spawn_local(function() late:join():close() end))
      assert(not rt.tcp.connect("no.such.host.invalid", 1))
      print("fine")
    ]])
    assert.equal("fine\n", out)
  end)

  it("G26 of a server that nobody talks to", function()
    local it = kit.start_script([[
      local rt = require "rt"
      io.stdout:setvbuf("line")
      rt.configure{ workers = 2 }
      rt.spawn_local(function() rt.sleep(0.3) print("ready") end)
      assert(rt.tcp.serve("127.0.0.1", 0, function() end))
      rt.channel():recv()
    ]])
    assert.equal("ready", it:line())
    it:signal("INT")
    it:wait()
    assert.is_nil(it:output():find("deadlock", 1, true))
  end)

  it("G26 of one that waits for ever on purpose, or for its input", function()
    local it = kit.start_script([[
      local rt = require "rt"
      io.stdout:setvbuf("line")
      local t = rt.spawn(function() rt.sleep(math.huge) end)
      rt.spawn_local(function() print("ready") end)
      t:join()
    ]])
    assert.equal("ready", it:line())
    it:signal("INT")
    it:wait()
    assert.is_nil(it:output():find("deadlock", 1, true))
    local path = kit.file("local rt = require 'rt' print(rt.spawn_blocking(io.read, 'l'):join())")
    local command = ("{ sleep 0.2; echo typed; } | %s %s %s"):format(
      kit.host_env ~= "" and "env " .. kit.host_env or "",
      kit.quote(kit.host),
      path
    )
    local code, out, err = kit.shell(command)
    assert.same({ 0, "typed\n", "" }, { code, out, err })
  end)

  --- Programs that are made of what passes wake-ups from thread to thread, and that all end.
  local programs = [[
    local seed, workers, rounds = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
    math.randomseed(seed)
    rt.configure{ workers = workers }
    local random = math.random
    local kinds = {
      function()
        local a, b, n = rt.channel(random(0, 2)), rt.channel(random(0, 2)), random(30)
        rt.spawn(function() for i = 1, n do a:send(i) end a:close() end)
        rt.spawn(function() for v in a:iter() do b:send(v * 2) end b:close() end)
        local sum = 0
        for v in b:iter() do sum = sum + v end
        assert(sum == n * (n + 1))
      end,
      function()
        local t = {}
        for i = 1, random(20) do
          t[i] = rt.spawn(function(x) return rt.spawn(function() return x + 1 end):join() end, i)
        end
        for i, x in ipairs(t) do assert(x:join() == i + 1) end
      end,
      function()
        local m, t = rt.mutex(0), {}
        for i = 1, 8 do
          t[i] = rt.spawn(function() for _ = 1, 5 do m:with(function(v) return v + 1 end) end end)
        end
        for _, x in ipairs(t) do x:join() end
      end,
      function()
        local b = rt.barrier(4)
        for _ = 1, 3 do rt.spawn(function() b:wait() end) end
        b:wait()
      end,
      function()
        assert(rt.spawn_blocking(function() return 7 end):join() == 7)
        local ch = rt.channel(1)
        rt.spawn_blocking(function() ch:send(rt.spawn(function() return 3 end):join()) end)
        assert(ch:recv() == 3)
      end,
      function()
        local ch = rt.channel(0)
        local t = rt.spawn_local(function() return ch:recv() end)
        rt.spawn(function() ch:send(5) end)
        assert(t:join() == 5)
      end,
      function()
        local t = rt.spawn(function() rt.channel():recv() end)
        t:cancel()
        pcall(t.join, t)
      end,
      function() rt.timeout(0.001, function() rt.channel():recv() end) end,
      function() rt.spawn(function() rt.sleep(0.001) end):join() end,
      function()
        local s = rt.semaphore(1)
        for _ = 1, 4 do rt.spawn(function() s:acquire() rt.yield() s:release() end) end
        s:acquire()
        s:release()
      end,
      function()
        local l = rt.tcp.listen("127.0.0.1", 0)
        local _, port = l:sock()
        local t = rt.spawn(function()
          local c = rt.tcp.connect("127.0.0.1", port)
          c:write("hi\n")
          c:close()
        end)
        local c = l:accept()
        assert(c:read("l") == "hi")
        t:join()
        c:close()
        l:close()
      end,
      function()
        local a, b = rt.channel(1), rt.channel(1)
        local t = rt.spawn(function() for _ = 1, 20 do a:send(b:recv()) end end)
        for i = 1, 20 do b:send(i) assert(a:recv() == i) end
        t:join()
      end,
      function()
        local a, b = rt.channel(1), rt.channel(1)
        rt.spawn(function() a:send(1) end)
        rt.spawn(function() b:send(1) end)
        rt.select(a:recv_op(), b:recv_op())
        rt.select(a:recv_op(), b:recv_op())
      end,
      function() rt.scope(function(s) for i = 1, 5 do s:spawn(function() return i end) end end) end,
      function()
        rt.race(rt.spawn(function() return 1 end), rt.spawn(function() rt.channel():recv() end))
      end,
    }
    local function some() for _ = 1, random(5) do kinds[random(#kinds)]() end end
    for _ = 1, rounds do
      local t = {}
      for i = 1, random(0, 4) do t[i] = rt.spawn_local(some) end
      some()
      for _, x in ipairs(t) do x:join() end
    end
  ]]

  for _, workers in ipairs { 1, 2, 4 } do
    it(
      "G26 of random programs that end, beside others that compute: " .. workers .. " workers",
      function()
        local hogs = {}
        for i = 1, 2 do
          hogs[i] = kit.start_script("while true do end")
        end
        local runs = kit.slow == 1 and 30 or 8
        for seed = 1, runs do
          local chaos = seed % 2 == 0 and "RT_CHAOS=delay,steal " or ""
          local command = "env " .. chaos .. ("RT_SEED=%d "):format(seed)
          local path = kit.command(
            "local rt = require 'rt'\n" .. programs,
            ("%d %d %d"):format(seed, workers, 8)
          )
          local code, out, err = kit.shell("exec " .. command .. path, 60)
          assert.same({ 0, "", "" }, { code, out, err }, "seed " .. seed)
        end
        for _, hog in ipairs(hogs) do
          hog:stop("KILL")
        end
      end
    )
  end
end)
