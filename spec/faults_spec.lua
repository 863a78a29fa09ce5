--- System calls that fail.
local faults = require("faults")
local kit = require("kit")

describe("without descriptors", function()
  it("a name that cannot be looked up is EMFILE, and localhost needs no lookup", function()
    local command = kit.command(kit.program("name_without_descriptors"))
    local code, out, err = kit.shell("ulimit -n 40; exec env " .. command)
    assert.same({ 0, "EMFILE\t127.0.0.1\t127.0.0.1\n" }, { code, out }, err)
  end)

  it("require says why it fails, and succeeds when there are descriptors again", function()
    local failed = 0
    for spare = 0, 10 do
      local command = kit.command(kit.program("require_rt"), spare)
      local code, out, err = kit.shell("ulimit -n 40; exec env " .. command)
      assert.equal(0, code, out .. err)
      local result, message = out:match("^(%a+)\t([^\n]*)\n2\n$")
      assert(result, out .. err)
      if result == "false" then
        failed = failed + 1
        -- (Lua's own require cannot open the first file of rt)
        local is_lua = not kit.in_rt_lua and spare == 0 and message:find("module 'rt' not found:")
        -- (and in rt-lua that is told in Lua's words)
        local is_told = message:find("EMFILE: too many open files")
          or kit.in_rt_lua and message:find("cannot open .*/rt/init%.lua: Too many open files$")
        assert(is_lua or is_told, message)
      end
    end
    assert(failed > 0)
  end)

  for _, which in ipairs { "spawn", "spawn_blocking" } do
    it("rt." .. which .. " fails and says why, and the next one tries again", function()
      local command = kit.command(kit.program("spawn_without_descriptors"), which, "RT_WORKERS=1")
      local code, out, err = kit.shell("ulimit -n 40; exec env " .. command)
      local why =
        "no worker could be started: cannot start the runtime: EMFILE: too many open files"
      assert.same(
        { 0, ("false\t%s\n"):rep(2):format(why, why) .. "true\tran\n" },
        { code, out },
        err
      )
      -- said once, until a worker could be started
      assert.equal("rt: a worker could not be started: " .. why:match(": (.*)") .. "\n", err)
    end)
  end

  it("rt-lua says why it does not start", function()
    if not kit.in_rt_lua then
      return pending("rt-lua alone")
    end
    local failed = 0
    for most = 4, 12 do
      local command = ("ulimit -n %d; %s -e 'print(1)'"):format(most, kit.quote(kit.host))
      local code, out, err = kit.shell(command)
      if code ~= 0 then
        failed = failed + 1
        assert.equal(1, code, err)
        assert.matches("cannot start the runtime: EMFILE: too many open files", err)
      else
        assert.equal("1\n", out)
      end
    end
    assert(failed > 0)
  end)
end)

describe("without timers of CPU time", function()
  it(
    "G10 G15 the watchdog's signal ends and switches what computes, and that is said once",
    function()
      kit.needs(pending, "prlimit")
      local command = kit.command(kit.program("computing"), nil, "RT_WORKERS=1")
      local code, out, err = kit.shell("exec prlimit --sigpending=0 env " .. command)
      assert.same({ 0, "timeout\ntimeout\ntimeout\nswitched\n" }, { code, out }, err)
      local form =
        "^rt: no CPU timer %(EAGAIN: [%l ]+%): tasks that compute are noticed by the watchdog\n$"
      assert.matches(form, err)
    end
  )

  it(
    "G15 the watchdog looks rarely when nothing has computed, also without stall reports",
    function()
      if kit.flavor == "tsan" then
        return pending("the thread sanitizer delays signals of code that computes")
      end
      kit.needs(pending, "prlimit")
      local command = kit.command(kit.program("idle_after_computing"), nil, "RT_WORKERS=1")
      kit.eventually(function() -- (who waits for a CPU looks more often)
        local code, out, err = kit.shell("exec prlimit --sigpending=0 env " .. command)
        assert.equal(0, code, err)
        return tonumber(out) < 60, out -- every 5 ms would be 100
      end)
    end
  )
end)

describe("without a worker", function()
  for _, how in ipairs { "spawn", "spawn_blocking" } do
    it(
      "G2 a task of rt." .. how .. " in the queue gets one later, and there is no deadlock",
      function()
        if kit.flavor ~= "" or not kit.in_rt_lua then
          return pending("in rt-lua, without sanitizers")
        end
        local fifo = kit.file(nil, ".fifo")
        os.execute("unset LD_PRELOAD; mkfifo " .. fifo)
        for _, fault in ipairs { "pthread_create:EAGAIN:3:3", "epoll_create1:EMFILE:4:2" } do
          local code, out, err =
            kit.run(kit.program("second_worker"), how .. " " .. fifo, nil, faults.env(fault))
          assert.same({ 0, "came\n" }, { code, out }, fault .. "\n" .. err)
          for line in err:gmatch("[^\n]+") do
            local name = fault:match(":(%u+):")
            assert.matches("^rt: a worker could not be started: .*" .. name .. ": ", line)
          end
        end
      end
    )
  end

  it(
    "G2 one is asked for every 100 ms, however many tasks are spawned, and that is said once",
    function()
      if kit.flavor ~= "" or not kit.in_rt_lua then
        return pending("in rt-lua, without sanitizers")
      end
      local page = kit.file(nil, ".page")
      local env = faults.env("pthread_create:EAGAIN:3:0") .. " RT_FAULT_PAGE=" .. page
      local code, out, err = kit.run(kit.program("many_tasks"), nil, nil, env)
      assert.equal(0, code, err)
      assert.matches("^rt: a worker could not be started: EAGAIN: [^\n]+\n$", err)
      local _, failed = faults.counters(page)
      -- (by the main worker, and by a spawn that comes just then)
      assert(
        failed > 0 and failed <= 2 * (tonumber(out) / 0.1 + 1),
        ("%d in %s s"):format(failed, out)
      )
    end
  )

  --- `is_state`: the thread is there, and its state cannot be made.
  local function check(call, code, reason, is_state)
    local refused = 0
    for n = 2, 7 do
      local env = faults.env(("%s:%s:%d"):format(call, code, n)) .. " RT_WORKERS=4"
      local status, out, err = kit.run(kit.program("serve_without_a_worker"), nil, nil, env)
      assert.equal(0, status, err)
      local result, rest = out:match("^([^\n]*)\n(.*)")
      assert.equal("its port is free, tasks: 1\n", rest, call .. n)
      if result ~= "a server with 4 acceptors" then
        refused = refused + 1
        assert.equal("none\t" .. code .. "\t" .. reason, result, call .. n)
        local line = is_state and "rt: a worker could not be started: [^\n]*\n" or ""
        assert.matches("^" .. line .. "$", err)
      end
    end
    assert(refused > 0)
  end

  it("G33 rt.tcp.serve says why, and nothing is left of the server", function()
    if kit.flavor ~= "" or not kit.in_rt_lua then
      return pending("in rt-lua, without sanitizers")
    end
    check(
      "pthread_create",
      "EAGAIN",
      "EAGAIN: resource temporarily unavailable (starting a worker)"
    )
    local prefix = "no worker could be started: "
    check(
      "epoll_create1",
      "EMFILE",
      prefix .. "cannot start the runtime: EMFILE: too many open files",
      true
    )
    check("mmap", "ENOMEM", prefix .. "not enough memory", true)
  end)
end)

describe("without a thread for a lookup that waits", function()
  it("G32 one is asked for every 100 ms", function()
    if kit.flavor ~= "" or not kit.in_rt_lua then
      return pending("in rt-lua, without sanitizers")
    end
    local page = kit.file(nil, ".page")
    local env = faults.env("pthread_create:EAGAIN:9:0") .. " RT_FAULT_PAGE=" .. page
    local code, out, err = kit.run(kit.program("slow_lookups"), nil, nil, env)
    assert.same({ 0, "" }, { code, err })
    local calls, failed = faults.counters(page)
    assert(calls == 8 + failed and failed > 0, calls)
    assert(failed <= tonumber(out) / 0.1 + 1, ("%d in %s s"):format(failed, out))
  end)
end)

--- For each call and each error that its manual page names: at two of the first, the second and some
--- calls in the middle. With RT_FAULTS=all (make faults): at each of the first calls, too.
describe("when it fails,", function()
  local all = os.getenv("RT_FAULTS") == "all"
  local usual

  --- At which calls a fault is injected, of so many; "7:3" is the calls 7 to 9.
  local function places(call, calls, turn)
    -- The fourth pipe of a process is the one for which libuv aborts; rt has just opened three.
    local middle = call == "pipe2" and 6 or math.max(3, calls // 3)
    local list = { 1 + turn % 2, middle .. ":3" }
    if all then
      list = { 1, 2, middle .. ":3", middle .. ":1" }
      for n = 3, math.min(calls // 2, 12) do
        list[#list + 1] = call ~= "pipe2" and n or nil
      end
    end
    return list
  end

  --- A machine whose speed changes may use more CPU time for the same work: a busy loop counts when it
  --- is there each time, beside a run without a fault. Returns the last run, and what is wrong with it.
  local function confirmed(run, trouble)
    for _ = 1, 3 do
      if not trouble or not trouble:find("^a busy loop") then
        break
      end
      local pair = faults.run { "none:EINTR:0", run.fault }
      run, trouble = pair[2], faults.trouble(pair[2], math.max(0.05, pair[1].cpu))
    end
    return run, trouble
  end

  local function check(call)
    usual = usual or math.max(0.05, faults.run({ "none:EINTR:0" })[1].cpu)
    local calls = faults.run({ call .. ":EINTR:0" })[1].calls
    local list = {}
    for turn, name in ipairs(faults.errors_of(call)) do
      for _, place in ipairs(places(call, calls, turn)) do
        list[#list + 1] = ("%s:%s:%s"):format(call, name, place)
      end
    end
    local troubles = {}
    for _, run in ipairs(faults.run(list)) do
      local trouble
      run, trouble = confirmed(run, faults.trouble(run, usual))
      if trouble then
        troubles[#troubles + 1] = ("RT_FAULT=%s: %s\n%s%s"):format(
          run.fault,
          trouble,
          run.out,
          run.err
        )
      end
    end
    assert(#list > 0 and #troubles == 0, table.concat(troubles, "\n"))
  end

  for _, call in ipairs(faults.calls()) do
    it(call .. " leaves a clean error, or work that goes on", function()
      if kit.flavor ~= "" or not kit.in_rt_lua then
        return pending("in rt-lua, without sanitizers")
      end
      check(call)
    end)
  end

  it("is tried with 120 pairs of call and error", function()
    local pairs_of_all = 0
    for _, call in ipairs(faults.calls()) do
      pairs_of_all = pairs_of_all + #faults.errors_of(call)
    end
    assert(pairs_of_all >= 120)
  end)
end)
