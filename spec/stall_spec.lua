--- The monitor: it tells of tasks that keep their worker stuck, and of no others.
local kit = require("kit")
local rt = require("rt")

--- The thread sanitizer lets a signal in only where it looks: at calls such as malloc's.
local spin = kit.flavor == "tsan" and "local _ = ('x'):rep(100000)" or ""

local prelude = [[
local rt = require("rt")
--- A C function that computes for so many seconds of processor time, at least.
local function compute(seconds)
  local n, took = 2000
  repeat
    local began = os.clock()
    local _ = (("a"):rep(n)):find(".-b")
    took, n = os.clock() - began, n * 2
  until took > seconds
end
]]

local function run(workers, script, env)
  script = prelude .. script:gsub("SPIN", spin):gsub("IS_TSAN", tostring(kit.flavor == "tsan"))
  local command = kit.command(script)
  local line = ("RT_WORKERS=%d %s exec env %s"):format(workers, env or "", command)
  local code, out, err = kit.shell(line, 40)
  assert(code == 0, ("exit code %s\n%s%s"):format(code, out, err))
  return err, out
end

--- The same for a script with a task that is stuck until half a second after that was told
--- (UNTIL_TOLD, in C), and which ends when it was told that it goes on (UNTIL_SEEN, in Lua).
local function run_stuck(workers, script)
  local told, seen = kit.file(nil, ".told"), kit.file(nil, ".seen")
  script = script:gsub("UNTIL_%w+", {
    UNTIL_TOLD = ("os.execute('until [ -e %s ]; do sleep 0.02; done')"):format(told),
    UNTIL_SEEN = ("while not io.open('%s') do rt.sleep(0.02) end"):format(seen),
  })
  local it = kit.start(("RT_WORKERS=%d %s 2>&1"):format(workers, kit.command(prelude .. script)))
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
      local err = run_stuck(
        workers,
        [[
        local t = rt.spawn(function() UNTIL_TOLD end)
        t.name = "sleepwalker"
        t:join()
        UNTIL_SEEN]]
      )
      local report = "rt: pool %d is stuck: task %d+ %(sleepwalker%), spawned at [^\n]+lua:%d+, "
      assert.equal(1, occurrences(err, report .. "[^\n]+ for [%d.]+ s\n"), err)
      assert.equal(1, occurrences(err, "rt: pool %d goes on: task %d+ %(sleepwalker%), [^\n]+ s\n"))
      if kit.flavor ~= "tsan" then -- it waited for a process, which bears a signal
        assert.equal(1, occurrences(err, "task %d+ was stuck in\n[^\n]+lua:%d+: in function"), err)
      end
      local seconds = tonumber(err:match("had it stuck for ([%d.]+) s"))
      assert.is_true(seconds >= 0.4, err)
    end)

    it("G15 one that computes, too, and where it was", function()
      local err = run(
        workers,
        [[
        rt.spawn(function(compute)
          local function calculate() compute(0.4) end
          calculate()
          local till = os.clock() + 0.1
          repeat SPIN until os.clock() > till
        end, compute):join()]]
      )
      assert.matches("rt: pool %d is stuck: task %d+, spawned at [^\n]+lua:%d+", err)
      assert.matches("rt: pool %d goes on: task %d+", err)
      if kit.flavor ~= "tsan" then
        assert.matches("was stuck in\n[^\n]+ in upvalue 'compute'[^\n]*\n[^\n]+'calculate'", err)
      end
    end)

    it("G15 Lua code is no stall, however long, and whatever it is in", function()
      local err = run(
        workers,
        [[
        local function busy(f)
          local until_then = rt.now() + 0.25
          repeat f() until rt.now() > until_then
        end
        local function work()
          busy(function() for _ = 1, 100 do SPIN end end)
          busy(function() pcall(error) SPIN end)
          if IS_TSAN then return end
          local t = {}
          for i = 1, 20000 do t[i] = i * 7919 % 20011 end
          busy(function() table.sort(t, function(a, b) return a < b end) end)
          busy(function() ("x"):rep(100):gsub("x", function() end) end)
          coroutine.wrap(function() busy(function() for _ = 1, 100 do end end) end)()
        end
        local there, here = rt.spawn(work), rt.spawn_local(work)
        rt.join(there, here)
        work()]]
      )
      assert.equal("", err)
    end)

    it("G15 the main chunk may call what it likes; its tasks may not", function()
      local err = run_stuck(
        workers,
        [[
        rt.configure({ stall = 0.1 })
        rt.spawn(function() end):join()
        os.execute("sleep 0.4")
        rt.spawn_local(function() end):join()
        os.execute("sleep 0.4")
        io.stderr:write("main was quiet\n")
        rt.spawn_local(function() UNTIL_TOLD end):join()
        UNTIL_SEEN]]
      )
      assert.matches("^main was quiet\nrt: main is stuck: task %d+, ", err)
    end)

    it("those whose business it is to be blocked are not told of", function()
      local err = run(workers, [[rt.spawn_blocking(function() os.execute("sleep 0.5") end):join()]])
      assert.equal("", err)
    end)

    it("rt.configure says how long is too long", function()
      for _, stall in ipairs { "false", "0", "5" } do
        local err = run(
          workers,
          ([[
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
    local program = kit.start_script((prelude .. [[
      local hogs = {}
      for i = 1, 3 do hogs[i] = rt.spawn(function() local n = 0 while true do n = n + 1 SPIN end end) end
      rt.sleep(0.1)
      print("ready") io.stdout:flush()
      rt.sleep(1.5)
      print("done") io.stdout:flush()
      for i = 1, 3 do hogs[i]:cancel() end]]):gsub("SPIN", spin))
    assert.equal("ready", program:line())
    for _ = 1, 3 do
      program:signal("STOP")
      os.execute("sleep 0.2")
      program:signal("CONT")
    end
    program:wait()
    assert.equal("ready\ndone\n", program:output())
  end)

  it("the others go on meanwhile", function()
    local out = run_stuck(
      2,
      [[
      local ch = rt.channel(1)
      local stuck = rt.spawn(function() ch:send(1) UNTIL_TOLD end)
      ch:recv()
      local ticks = 0
      while stuck:status() ~= "done" do rt.sleep(0.01) ticks = ticks + 1 end
      UNTIL_SEEN
      print(ticks)]]
    )
    assert.is_true(tonumber(out:match("%d+\n$")) >= 5, out)
  end)

  it("a program that is idle is idle: nobody looks around", function()
    if not io.open("/proc/self/status") or kit.flavor == "tsan" then -- which has a thread of its own
      return
    end
    local _, out = run(
      4,
      [[
      local function switches()
        local n = 0
        for path in io.popen("ls /proc/$PPID/task"):lines() do
          local f = io.open("/proc/self/task/" .. path .. "/status")
          n = n + (f and tonumber(f:read("a"):match("\nvoluntary_ctxt_switches:%s*(%d+)")) or 0)
          if f then f:close() end
        end
        return n
      end
      local ch = rt.channel(1)
      for _ = 1, 4 do rt.spawn(function() ch:recv() end) end
      rt.sleep(0.5)
      local before = switches()
      rt.sleep(1.5)
      print(switches() - before)
      for _ = 1, 4 do ch:send(1) end]]
    )
    assert.is_true(tonumber(out) < 20, out)
  end)

  it("the options are checked", function()
    local _, out = run(
      1,
      [[
      print(pcall(rt.configure, { stall = "soon" }))
      print(pcall(rt.configure, { stall = true }))
      print(pcall(rt.configure, { stall = -1 }))
      print(pcall(rt.configure, { stall = 0 / 0 }))]]
    )
    assert.equal(4, occurrences(out, "false\t"))
  end)
end)
