--- rt.tasks, rt.dump and SIGQUIT: which tasks there are, and what each waits for.
local kit = require("kit")
local rt = require("rt")

--- Runs a program, which must end well. Returns what it wrote to stdout and to stderr.
local function run(workers, name)
  local code, out, err = kit.run(kit.program(name), nil, 40, "RT_WORKERS=" .. workers)
  assert(code == 0, ("exit code %s\n%s%s"):format(code, out, err))
  return out, err
end

for _, workers in ipairs { 1, 4 } do
  describe(("rt.tasks, %d workers:"):format(workers), function()
    it("G27 a task has an id, a name, a state, a worker, a site and a wait", function()
      local out = run(workers, "reader_and_sleeper")
      assert.equal("", out)
    end)

    it("G27 a thousand tasks, and the counters add up", function()
      local out = run(workers, "thousand_tasks")
      assert.equal("", out)
    end)

    it("G27 any task on any worker may ask, all at the same time", function()
      run(workers, "all_tasks_ask")
    end)
  end)

  describe(("rt.dump, %d workers:"):format(workers), function()
    it("G27 shows where each task waits, in nested coroutines too", function()
      run(workers, "nested_coroutine")
    end)

    it("G27 an endless loop says where it is, within 250 ms", function()
      run(workers, "endless_loop")
    end)

    it("G27 a worker that is stuck in a C function is named, with its task", function()
      run(workers, "stuck_in_c")
    end)
  end)
end

describe("rt.tasks:", function()
  it("G27 who has just begun to wait has not waited for long", function()
    for _ = 1, 20 do -- in a program as young as a tick of the coarse clock
      local code, out, err = kit.run(kit.program("waited_since_the_start"))
      assert.same({ 0, "", "" }, { code, out, err })
    end
  end)

  it("G27 jobs that nobody has begun are queued, at no worker", function()
    run(1, "queued_jobs")
  end)

  it("works in comparators, finalizers, message handlers and coroutines", function()
    local n = {}
    table.sort({ 2, 1 }, function(a, b)
      n[1] = #rt.tasks()
      return a < b
    end)
    setmetatable({}, {
      __gc = function()
        n[2] = #rt.tasks()
      end,
    })
    collectgarbage()
    xpcall(error, function()
      n[3] = #rt.tasks()
    end)
    coroutine.wrap(function()
      n[4] = #rt.tasks()
    end)()
    for i = 1, 4 do
      assert.is_true(n[i] >= 1)
    end
  end)

  it("a name is gone with its task", function()
    local t = rt.spawn_local(function()
      rt.yield()
    end)
    t.name = "short"
    t.name = "shorter"
    t.name = nil
    t.name = "shortest"
    t:join()
    assert.equal("shortest", t.name)
    for _, other in ipairs(rt.tasks()) do
      assert.are_not.equal("shortest", other.name)
    end
    t.name = "late"
    assert.equal("late", t.name)
  end)
end)

describe("rt.dump:", function()
  it("writes to an open file, which stays open", function()
    local file = assert(io.tmpfile())
    assert.is_true(rt.dump(file))
    file:write("more")
    file:seek("set")
    assert.matches("task 0 %(main%).*more$", file:read("a"))
    file:close()
    assert.matches("closed file", kit.refused(rt.dump, file))
    assert.matches("path or file", kit.refused(rt.dump, {}))
  end)

  it("what cannot be written is an error, and no signal", function()
    local ok, message, code = rt.dump("/nowhere/at/all")
    assert.is_nil(ok)
    assert.matches("^ENOENT: .*/nowhere", message)
    assert.equal("ENOENT", code)
    if io.open("/dev/full", "w") then
      assert.equal("ENOSPC", select(3, rt.dump("/dev/full")))
    end
    -- the process ends at once, and closes the end that is read
    local reader = io.popen("exec true", "w")
    kit.wait_for(function()
      code = select(3, rt.dump(reader))
      return code
    end, 10, "the end of the reader")
    assert.equal("EPIPE", code)
    reader:close()
  end)

  it("G27 works while the program ends", function()
    for _, workers in ipairs { 1, 4 } do
      local out = run(workers, "dumps_in_cleanup")
      assert.equal(("clean\n"):rep(8), out)
    end
  end)
end)

if kit.in_rt_lua then
  describe("SIGQUIT:", function()
    --- Starts a program that prints "ready".
    local function start(name, args)
      local program = kit.start_script(kit.program(name), args)
      assert.equal("ready", program:line())
      return program
    end

    --- Sends SIGQUIT until the dump matches: a dump leaves out a worker that does not answer in
    --- time.
    local function asks(program, pattern)
      local asked = 0
      kit.wait_for(function()
        if rt.now() - asked > 2 then
          asked = rt.now()
          program:signal("QUIT")
        end
        return program:output():match(pattern)
      end, 20, pattern)
    end

    it("G27 makes a dump on stderr, and the program goes on", function()
      local program = start("ready_reader")
      local dump = "rt: workers: %d+, tasks: 2\n.-%(reader%), waiting for receive.-'recv'.-"
      for i = 1, 2 do
        asks(program, dump:rep(i))
      end
      assert.is_nil(program:ended())
      program:stop("KILL")
    end)

    it("G27 names what is stuck, from outside", function()
      local program = start("ready_sleepwalker")
      asks(program, "stuck, does not answer: runs task %d+ %(sleepwalker%)")
      program:stop("KILL")
    end)

    it("G27 a program without tasks says where it is", function()
      for where, what in pairs {
        ["in local 'turning'"] = "turning",
        ["in field 'sleep'"] = "sleeping",
      } do
        local program = start("ready_main", what)
        for _ = 1, 2 do
          asks(program, where)
        end
        assert.is_nil(program:ended())
        program:stop("KILL")
      end
    end)

    it("a stderr that nobody reads does not end the program", function()
      local command = "env " .. kit.command(kit.program("sends_itself_sigquit"))
      local code, out = kit.shell(("(%s 2>&1 >&3 | true) 3>&1 | cat"):format(command))
      assert.equal(0, code)
      assert.matches("still there", out)
    end)
  end)
end
