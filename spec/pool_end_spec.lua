--- How a program with a pool ends.
local kit = require("kit")
local rt = require("rt")

describe("the end, with workers:", function()
  --- Runs a program with a number of workers. Returns its exit code, stdout and stderr.
  local function run(n, name, args)
    return kit.run(kit.program(name), args, 30, "RT_WORKERS=" .. n)
  end

  local function count(text, what)
    local n = 0
    for _ in text:gmatch(what) do
      n = n + 1
    end
    return n
  end

  local ends = {
    ["main ends"] = 0,
    ["an error in main"] = 1,
    ["os.exit with close"] = 3,
    ["os.exit with close in a task"] = 4,
    ["os.exit with close in a blocking job"] = 6,
  }
  for name, exit_code in pairs(ends) do
    it("G24 " .. name .. ": every <close> runs once, in every state of a task", function()
      for _, n in ipairs { 1, 2, 4 } do
        kit.in_time(3, function()
          local started = rt.now()
          local code, _, err = run(n, "tasks_that_wait", kit.quote(name))
          assert.equal(exit_code, code, err)
          assert.equal(20, count(err, "closed sleeper\n"), err)
          assert.equal(20, count(err, "closed receiver\n"), err)
          assert.equal(20, count(err, "closed joiner\n"), err)
          assert.equal(1, count(err, "closed blocking\n"), err)
          return rt.now() - started
        end)
      end
    end)
  end

  it("G25 a call that blocks is interrupted, though there was no descriptor at first", function()
    local fifo = kit.file(nil, ".fifo")
    assert(os.execute("mkfifo " .. fifo))
    local command = kit.command(kit.program("out_of_descriptors"), fifo)
    local code, out, err = kit.shell("ulimit -n 60; exec env " .. command)
    assert.equal("unwound\n", out .. err)
    assert.equal(0, code)
  end)

  for _, how in ipairs { "shield", "critical" } do
    it("G25 a call inside of rt." .. how .. " is not interrupted at the end", function()
      if kit.flavor == "tsan" then
        return pending("the thread sanitizer delays the signal that asks the thread")
      end
      local code, out = run(1, "reads_in_a_protected_part", how)
      assert.equal("read\n", out)
      assert.equal(0, code)
    end)
  end

  it("G24 what a cleanup reads is not interrupted with the call of another task", function()
    local fifo = kit.file(nil, ".fifo")
    assert(os.execute("mkfifo " .. fifo))
    local code, out = run(2, "cleanup_reads_beside_one_that_is_interrupted", fifo)
    assert.equal("read\n", out)
    assert.equal(0, code)
  end)

  --- A task that is cancelled by the end of the program is not reported as failed, whatever it did.
  local at_the_end = {
    ["starts another task"] = "starts_another_task",
    ["is cancelled, and cleans up with the help of another"] = "cleans_up_with_another_task",
    ["waits in a call that blocks for one that is cancelled"] = "joins_in_blocking_jobs",
    ["receives from one that closes the channel, in one state"] = "receives_from_a_closer_of_its_state",
    ["receives from one that closes the channel"] = "receives_from_a_closer",
    ["hears from one that closes what it watches"] = "watches_what_is_closed",
    ["reads from a server of the same program"] = "reads_from_a_server",
    ["connects to a server of the same program"] = "connects_to_a_server",
  }
  for what, name in pairs(at_the_end) do
    it("G24 the program ends while a task " .. what .. ": that is no failure", function()
      for n = 1, 12 do
        local code, _, err = run(1 << n % 3, "at_the_end_" .. name)
        assert.same({ 0, "" }, { code, err })
      end
    end)
  end

  it("errors that are told at the end are all told, by a handler that waits, too", function()
    local code, out, err = kit.run(kit.program("handler_waits_at_the_end"))
    assert.same({ 0, "" }, { code, err })
    for i = 1, 5 do
      assert.matches("heard\t" .. i .. "\n", out)
    end
    code, out, err = kit.run(kit.program("handler_locks_at_the_end"))
    assert.is_true(
      code == 0 or not kit.in_rt_lua and err:find("bad self", 1, true) ~= nil,
      out .. err
    )
  end)

  it("an error that nobody joined is told, although main ends before its handler begins", function()
    local code, out = kit.run(kit.program("handler_has_not_begun"))
    assert.same({ 0, "heard\tboom\n" }, { code, out })
  end)

  it("G25 os.exit without close, from a task", function()
    for _, n in ipairs { 1, 4 } do
      local script = "local rt = require 'rt' rt.spawn(function() os.exit(7) end) rt.sleep(60)"
      local code = kit.run(script, nil, 20, "RT_WORKERS=" .. n)
      assert.equal(7, code)
    end
  end)

  it("G25 os.exit with close, from a task, while the main chunk computes", function()
    if kit.flavor == "tsan" then
      return pending("it puts signals off until a busy program waits")
    end
    for _, way in ipairs { "a loop", "errors", "a sort", "a coroutine", "a variable to close" } do
      local code, out, err = kit.run(kit.program("exit_while_main_computes"), kit.quote(way))
      local expected = way == "a variable to close" and "closed" or ""
      assert.same({ 7, expected, "" }, { code, out, err })
    end
  end)

  it("G25 the end is not held up by a main chunk that is in a C function", function()
    local why =
      "rt: the program ends without its main chunk, which is in a C function that does not return\n"
    local ends = { { 7, "os.exit", "said " } }
    if kit.in_rt_lua then
      ends[2] = { 0, "rt.shutdown", "" }
    end
    for _, it_ends in ipairs(ends) do
      local fifo = kit.file(nil, ".in")
      local program = kit.command(kit.program("main_is_in_c"), it_ends[2])
      -- no process writes
      local command = ("mkfifo %s; exec 3<>%s; exec env %s <&3"):format(fifo, fifo, program)
      assert.same({ it_ends[1], it_ends[3], why }, { kit.shell(command) })
    end
  end)

  it("G24 os.exit with close from several tasks of one worker: none holds it up", function()
    kit.in_time(3, function()
      local started = rt.now()
      for _, n in ipairs { 1, 2 } do
        local code, out, err = run(n, "three_tasks_exit")
        assert.same({ 7, "" }, { code, out }, err)
        assert.is_true(count(err, "closed task\n") <= 3, err)
      end
      return rt.now() - started
    end)
  end)

  it(
    "G24 os.exit with close when the program ends already: the others clean up all the same",
    function()
      for _, n in ipairs { 1, 4 } do
        for _ = 1, 5 do
          local code, out, err = run(n, "exits_in_cleanup")
          assert.same({ 7, "" }, { code, out }, err)
          assert.equal(4, count(err, "closed task\n"), err)
        end
      end
    end
  )

  it("G24 os.exit with close at the moment when main ends", function()
    for i = 1, 20 do
      local code, out, err = kit.run(kit.program("exit_as_main_ends"), i / 5000)
      assert.same({ "", "" }, { out, err })
      assert.is_true(code == 7 or code == 0)
    end
  end)

  for _, name in ipairs { "INT", "TERM" } do
    it("G24 SIG" .. name .. " while main waits: everything unwinds", function()
      if name == "TERM" and not kit.in_rt_lua then
        return pending("SIGTERM belongs to the stock interpreter")
      end
      local it = kit.start_script(kit.program("five_tasks_sleep"))
      assert.equal("ready", it:line())
      it:signal(name)
      it:wait()
      assert.equal(5, count(it:output(), "closed task\n"), it:output())
    end)
  end

  it("G24 twenty times in a row, at any moment", function()
    for i = 1, 20 do
      local args = ("%d %f"):format(i * 5, i / 2000)
      local code, _, err = kit.run(kit.program("short_sleeps"), args)
      assert.same({ 0, "" }, { code, err })
    end
  end)

  it("a finalizer that runs after it finds nothing that crashes", function()
    local code, out, err = kit.run(kit.program("late_finalizer"))
    assert.same({ 0, "finalized\n", "" }, { code, out, err })
  end)

  it("a thread that cannot be started is an error at the call", function()
    if kit.flavor ~= "" then
      return pending("sanitizers need the memory")
    end
    local command = kit.command([[
      local rt = require "rt"
      print(pcall(rt.spawn, function() end))
    ]])
    local _, out = kit.shell("ulimit -s 64; ulimit -v 40000; exec env " .. command)
    assert.is_true(
      out:find("^true\t") ~= nil or out:find("cannot start a worker: ", 1, true) ~= nil,
      out
    )
  end)

  it("without descriptors for a worker its tasks fail, say why, and the rest goes on", function()
    local command = kit.command(kit.program("join_in_the_pool_and_here"), nil, "RT_WORKERS=1")
    local failed = 0
    for most = 7, 40 do
      local code, out, err = kit.shell(("ulimit -n %d; exec env %s"):format(most, command))
      if out:find("false", 1, true) then
        failed = failed + 1
        assert.same({
          0,
          "false\tno worker could be started: cannot start the runtime: EMFILE: too many open files\n"
            .. "still here\n",
        }, { code, out })
        assert.matches("a worker could not be started: .*too many open files", err)
      elseif code == 0 then
        assert.equal("true\t1\nstill here\n", out)
        break
      end
    end
    assert.is_true(failed > 0)
  end)
end)
