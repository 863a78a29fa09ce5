--- rt.tasks, rt.dump and SIGQUIT: what there is, and what it waits for.
local kit = require("kit")
local rt = require("rt")

--- The thread sanitizer lets a signal in only where it looks: at calls such as malloc's.
local spin = kit.flavor == "tsan" and "local _ = ('x'):rep(100000)" or ""

local prelude = [[
local rt = require("rt")
--- Looks again until f finds what it waits for.
local function find(f)
  local deadline = rt.now() + 15
  repeat
    local list = rt.tasks()
    local found = f(list)
    if found then return found, list end
    rt.sleep(0.01)
  until rt.now() > deadline
  error("it did not come to that")
end
local function named(name)
  return function(list)
    for _, t in ipairs(list) do if t.name == name then return t end end
  end
end
local function count(state)
  return function(list)
    local n = 0
    for _, t in ipairs(list) do if t.state == state then n = n + 1 end end
    return n
  end
end
local function text_of_dump()
  local path = os.tmpname()
  assert(rt.dump(path))
  local f = assert(io.open(path))
  local text = f:read("a")
  f:close()
  os.remove(path)
  return text
end
--- One that has what it should have in the time that it may take. Who does not get a processor does
--- not answer in time, so there is more than one attempt.
local function dump_with(pattern)
  local text
  for _ = 1, 20 do
    local began = rt.now()
    text = text_of_dump()
    if rt.now() - began < IN_TIME and text:match(pattern) then return text end
  end
  error("no '" .. pattern .. "' in\n" .. text)
end
]]
prelude = prelude:gsub("IN_TIME", kit.flavor == "" and 0.5 or 2)

--- Runs a script in a process of its own: what it printed, and what it wrote to stderr.
local function run(workers, script)
  local command = kit.command(prelude .. script:gsub("SPIN", spin))
  local code, out, err = kit.shell(("RT_WORKERS=%d exec env %s"):format(workers, command), 40)
  assert(code == 0, ("exit code %s\n%s%s"):format(code, out, err))
  return out, err
end

for _, workers in ipairs { 1, 4 } do
  describe(("rt.tasks, %d workers:"):format(workers), function()
    it("G27 a task has an id, a name, a state, a worker, a site and a wait", function()
      local out = run(
        workers,
        [[
        local ch = rt.channel(1)
        local a = rt.spawn(function() ch:recv() end) a.name = "reader"
        local b = rt.spawn_local(function() rt.sleep(30) end) b.name = "sleeper"
        local t = find(function(list) local t = named("reader")(list) return t and t.waiting and t end)
        assert(t.id == a.id and t.state == "waiting" and t.waiting == "receive")
        assert(t.worker:match("^pool %d$") and t.spawned:match("lua:%d+$"), t.spawned)
        assert(t.waited >= 0 and t.waited < 15)
        t = find(function(list) local t = named("sleeper")(list) return t and t.waiting and t end)
        assert(t.id == b.id and t.waiting == "sleep" and t.worker == "main")
        t = find(named("main"))
        assert(t.id == 0 and t.state == "running" and t.worker == "main" and not t.waiting)
        rt.sleep(0.3)
        t = find(named("reader"))
        assert(t.waited >= 0.2, t.waited)
        os.exit(0, true)]]
      )
      assert.equal("", out)
    end)

    it("G27 a thousand tasks, and the counters add up", function()
      local out = run(
        workers,
        [[
        local ch = rt.channel(1)
        for _ = 1, 500 do
          rt.spawn(function() ch:recv() end)
          rt.spawn_local(function() ch:recv() end)
        end
        local first = rt.tasks()
        assert(#first == 1001, #first)
        local _, list = find(function(list) return count("waiting")(list) == 1000 end)
        local seen, at = {}, { main = 0, pool = 0 }
        for _, t in ipairs(list) do
          assert(not seen[t.id]) seen[t.id] = true
          local where = t.worker:match("%a+")
          at[where] = at[where] + 1
        end
        assert(#list == 1001 and at.main == 501 and at.pool == 500)
        dump_with("tasks: 1001")
        for _ = 1, 1000 do ch:send(1) end
        find(function(list) return #list == 1 end)]]
      )
      assert.equal("", out)
    end)

    it("G27 any task on any worker may ask, all at the same time", function()
      run(
        workers,
        [[
        local tasks = {}
        for i = 1, 16 do
          tasks[i] = rt.spawn(function()
            local rt = require("rt")
            local me = rt.current().id
            for _ = 1, 20 do
              local found
              for _, t in ipairs(rt.tasks()) do found = found or t.id == me end
              assert(found)
              rt.yield()
            end
          end)
        end
        rt.join(table.unpack(tasks))]]
      )
    end)
  end)

  describe(("rt.dump, %d workers:"):format(workers), function()
    it("G27 shows where each task waits, in nested coroutines too", function()
      run(
        workers,
        [[
        local ch = rt.channel(1)
        local t = rt.spawn(function()
          local co = coroutine.wrap(function()
            local function deep() ch:recv() end
            deep()
          end)
          co()
        end)
        t.name = "nested"
        find(function(list) local t = named("nested")(list) return t and t.waiting end)
        local pattern = "%(nested%), waiting for receive for [%d.]+ s, spawned at [^\n]+\n(.*)"
        local text = dump_with(pattern)
        local where = text:match(pattern)
        assert(where and where:match("in method 'recv'.*in upvalue 'deep'.*in local 'deep'")
          or where:match("in method 'recv'.*in local 'deep'"), text)
        assert(text:match("task 0 %(main%), running"), text)
        ch:send(1)]]
      )
    end)

    it("G27 an endless loop says where it is, within 250 ms", function()
      run(
        workers,
        [[
        local ch = rt.channel(1)
        local t = rt.spawn(function()
          local function turning() while true do SPIN end end
          ch:send(true)
          turning()
        end)
        t.name = "hog"
        ch:recv()
        dump_with("task %d+ %(hog%), [^\n]+\n[^\n]*\n?[^\n]*\n?[^\n]*in %a+ 'turning'")
        t:cancel()]]
      )
    end)

    it("G27 a worker that is stuck in a C function is named, with its task", function()
      run(
        workers,
        [[
        local ch = rt.channel(1)
        local stop = os.tmpname()
        local t = rt.spawn(function()
          ch:send(true)
          os.execute("while [ -e " .. stop .. " ]; do sleep 0.05; done")
        end)
        t.name = "sleepwalker"
        ch:recv()
        rt.sleep(0.05)
        dump_with("pool %d: stuck, does not answer: runs task %d+ %(sleepwalker%), spawned at [^\n]+lua:%d+")
        local found = assert(named("sleepwalker")(rt.tasks()))
        assert(found.stuck and found.state == "running")
        os.remove(stop)
        t:join()]]
      )
    end)
  end)
end

describe("rt.tasks:", function()
  it("G27 who has just begun to wait has not waited for long", function()
    for _ = 1, 20 do -- in a program as young as a tick of the coarse clock
      local code, out, err = kit.run([[
        local rt = require "rt"
        rt.spawn_local(function()
          for _, t in ipairs(rt.tasks()) do
            assert((t.waited or 0) < 1000, t.waited)
          end
        end):join()
      ]])
      assert.same({ 0, "", "" }, { code, out, err })
    end
  end)

  it("G27 jobs that nobody has begun are queued, at no worker", function()
    run(
      1,
      [[
      rt.configure({ blocking = 1 })
      local go = rt.channel(1)
      local tasks = {}
      for i = 1, 4 do
        tasks[i] = rt.spawn_blocking(function() go:recv() end)
        tasks[i].name = "job " .. i
      end
      local _, list = find(function(list) return count("queued")(list) == 3 and count("waiting")(list) == 1 end)
      for _, t in ipairs(list) do
        if t.state == "queued" then assert(t.worker == nil and t.name:match("^job") and t.spawned) end
      end
      dump_with("in the queues: 3\n.*queued")
      for _ = 1, 4 do go:send(1) end
      rt.join(table.unpack(tasks))]]
    )
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
    local reader = io.popen("exec true", "w") -- it goes at once, and with it the reader
    kit.wait_for(function()
      code = select(3, rt.dump(reader))
      return code
    end, 10, "the end of the reader")
    assert.equal("EPIPE", code)
    reader:close()
  end)

  it("G27 works while the program ends", function()
    for _, workers in ipairs { 1, 4 } do
      local out = run(
        workers,
        [[
        local ready = rt.channel(10)
        local function clean_up()
          rt.shield(function()
            local rt = require("rt")
            for _ = 1, 5 do
              rt.sleep(0.01)
              assert(rt.dump("/dev/null"))
              assert(#rt.tasks() > 0)
            end
            print("clean")
          end)
        end
        local function wait()
          local _ <close> = setmetatable({}, { __close = clean_up })
          ready:send(1)
          rt.sleep(100)
        end
        for _ = 1, 4 do rt.spawn(wait) rt.spawn_local(wait) end
        for _ = 1, 8 do ready:recv() end]]
      )
      assert.equal(("clean\n"):rep(8), out)
    end
  end)
end)

if kit.in_rt_lua then
  describe("SIGQUIT:", function()
    --- Runs a script that prints "ready", and "end of …" when a dump has been made.
    local function start(script)
      local program = kit.start_script(prelude .. script:gsub("SPIN", spin))
      assert.equal("ready", program:line())
      return program
    end

    --- (A dump leaves out who does not answer in time: so it asks again.)
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
      local program = start([[
        local ch = rt.channel(1)
        rt.spawn(function() ch:recv() end).name = "reader"
        find(function(list) local t = named("reader")(list) return t and t.waiting end)
        print("ready") io.stdout:flush()
        rt.sleep(100)]])
      local dump = "rt: workers: %d+, tasks: 2\n.-%(reader%), waiting for receive.-'recv'.-"
      for i = 1, 2 do
        asks(program, dump:rep(i))
      end
      assert.is_nil(program:ended())
      program:stop("KILL")
    end)

    it("G27 names what is stuck, from outside", function()
      local program = start([[
        local ch = rt.channel(1)
        rt.spawn(function() ch:send(1) os.execute("sleep 20") end).name = "sleepwalker"
        ch:recv()
        print("ready") io.stdout:flush()
        while true do SPIN end]])
      asks(program, "stuck, does not answer: runs task %d+ %(sleepwalker%)")
      program:stop("KILL")
    end)

    it("G27 a program without tasks says where it is", function()
      for where, script in pairs {
        ["in local 'turning'"] = [[
          local function turning() while true do SPIN end end
          print("ready") io.stdout:flush()
          turning()]],
        ["in field 'sleep'"] = "print('ready') io.stdout:flush() rt.sleep(100)",
      } do
        local program = start(script)
        for _ = 1, 2 do
          asks(program, where)
        end
        assert.is_nil(program:ended())
        program:stop("KILL")
      end
    end)

    it("a stderr that nobody reads does not end the program", function()
      local script = kit.file([[
        local rt = require("rt")
        rt.spawn(function() end):join()
        for _ = 1, 5 do
          os.execute("kill -QUIT " .. io.open("/proc/self/stat"):read("n"))
          rt.sleep(0.05)
        end
        print("still there")]])
      local code, out = kit.shell(
        ("(%s %s %s 2>&1 >&3 | true) 3>&1 | cat"):format(kit.host_env, kit.quote(kit.host), script)
      )
      assert.equal(0, code)
      assert.matches("still there", out)
    end)
  end)
end
