--- A program in which no task can ever be resumed reports that, and ends. A program in which a task
--- can be resumed reports nothing.
local kit = require("kit")
local rt = require("rt")

local waits_for = ", waiting for (%a+) for "

--- Runs a program with this number of workers; it must end with a report. Returns the report, the
--- output, and the seconds that the program took.
local function deadlocked(workers, script, args)
  local begun, code, out, err
  for _ = 1, 10 do -- a worker that gets no CPU in time is missing in a report
    begun = rt.now()
    code, out, err = kit.run(script, args, nil, "RT_WORKERS=" .. workers)
    if
      not err:find("does not answer", 1, true) and not err:find("too many for the time", 1, true)
    then
      break
    end
  end
  assert.equal(1, code, out .. err)
  assert.matches("rt: deadlock: no task can go on", err, 1, true)
  assert.matches("lua[%d.]*: [^\n]*deadlock: no task can go on", err) -- the error of the main chunk
  assert.is_nil(err:find("unhandled", 1, true), err)
  return err, out, rt.now() - begun
end

--- Returns what the tasks of the report wait for, sorted: "join receive receive".
local function waits(report)
  local found = {}
  for op in report:gmatch(waits_for) do
    found[#found + 1] = op
  end
  table.sort(found)
  return table.concat(found, " ")
end

--- Title, what the tasks wait for, and the name of the case in programs/deadlock/cases.lua.
local cases = {
  { "the main chunk alone", "receive", "main_chunk" },
  { "a channel that nobody fills", "join receive", "never_filled" },
  { "a channel that nobody empties", "join send", "never_emptied" },
  { "a sender of a rendezvous", "send", "rendezvous" },
  { "tasks of a state that join each other", "join join join", "local_tasks_join_each_other" },
  { "tasks of the pool that join each other", "join join join", "pool_tasks_join_each_other" },
  { "two locks in two orders", "join lock lock", "two_locks" },
  { "a lock that its holder never gives back", "join lock receive", "lock_is_kept" },
  { "permits that never come back", "acquire join", "permits_are_kept" },
  { "a barrier that is one short", "barrier barrier", "barrier" },
  { "a wake-up that never comes", "notify", "notify" },
  { "a value that never changes", "change join", "watch" },
  { "a select over all that", "receive select", "select" },
  { "a job that blocks on a channel", "join receive", "blocking" },
  { "a socket that nobody reads", "receive", "socket" },
}

describe("a deadlock", function()
  for _, case in ipairs(cases) do
    it("G26 is reported: " .. case[1], function()
      for _, workers in ipairs { 1, 2, 4 } do
        local report = deadlocked(workers, kit.program("cases"), case[3])
        assert.equal(case[2], waits(report))
      end
    end)
  end

  it("G26 names each task, its worker, its wait and its place, with a traceback", function()
    local report = deadlocked(2, kit.program("named_tasks"))
    local main, pool = report:match("(main: .-)(pool %d: .*)")
    assert.matches(
      "task %d+ %(main%), waiting for join for [%d.]+ s\n    [^\n]*\n[^\n]*:17: in main",
      main
    )
    assert.matches(
      "task %d+ %(here%), waiting for join for [%d.]+ s, spawned at [^\n]*:13\n    [^\n]*\n[^\n]*:14: in",
      main
    )
    assert.matches(
      "task %d+ %(reader%), waiting for receive for [%d.]+ s, spawned at [^\n]*:7\n    [^\n]*\n[^\n]*:5: in upvalue 'deeper'",
      pool
    )
  end)

  it("G26 is reported at once", function()
    kit.in_time(2, function()
      return (select(3, deadlocked(2, kit.program("cases"), "never_filled")))
    end)
    kit.in_time(kit.flavor == "" and 0.1 or 2, function()
      local code, out = kit.run(kit.program("at_once"))
      assert.equal(1, code)
      return tonumber(out:match("[%d.-]+\n$"))
    end)
  end)

  it("G26 is an error of the main chunk's wait, and the program unwinds", function()
    local _, out = deadlocked(2, kit.program("unwinds"))
    for _, what in ipairs { "main", "pool", "local" } do
      assert.equal(1, select(2, out:gsub("closed " .. what, "")), out)
    end
  end)

  for _, where in ipairs { "main", "pool", "blocking" } do
    it("G26 is none if what tasks wait for is garbage in the state of: " .. where, function()
      for _, workers in ipairs { 1, 2, 4 } do
        local program, setting = kit.program("garbage"), "RT_WORKERS=" .. workers
        local code, out, err = kit.run(program, where, nil, setting)
        assert.same({ 0, "one\ntwo\nthree\nfour\nfive\n", "" }, { code, out, err })
        deadlocked(workers, program, where .. " kept")
      end
    end)
  end

  it("G26 counts even if the main chunk catches the error, and does not end by itself", function()
    local code, out, err = kit.run(kit.program("caught"))
    assert.equal(1, code, err)
    assert.matches("^false\t[^\n]*deadlock: [^\n]*\nnow\n$", out)
    code, out, err = kit.run(kit.program("caught_again_and_again"))
    assert.equal(1, code, err)
    assert.equal("closed\n", out)
  end)

  it("G26 is one in the cleanup of a program that ends by a signal, too", function()
    local it = kit.start_script(kit.program("in_the_cleanup"))
    assert.equal("ready", it:line())
    it:signal("INT")
    assert.equal(kit.in_rt_lua and 130 or 1, it:wait())
    assert.matches("rt: deadlock", it:output(), 1, true)
  end)

  it("G26 is reported when every blocking worker waits for a job that finds none", function()
    local report = deadlocked(1, kit.program("blocking_workers"))
    assert.equal(2, select(2, report:gsub("task %d+, queued", "")))
  end)
end)

describe("no deadlock is reported", function()
  it("G26 while a timer, a socket, a name or a job is waited for", function()
    local code, out, err = kit.run(kit.program("waits_that_end"), nil, 60)
    assert.same({ 0, "" }, { code, err })
    assert.equal("fine\n", out)
  end)

  it("G26 of a server that nobody talks to", function()
    local it = kit.start_script(kit.program("server"))
    assert.equal("ready", it:line())
    it:signal("INT")
    it:wait()
    assert.is_nil(it:output():find("deadlock", 1, true))
  end)

  it("G26 of one that waits for ever on purpose, or for its input", function()
    local it = kit.start_script(kit.program("for_ever"))
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
          local code, out, err = kit.run(
            kit.program("random_programs"),
            ("%d %d %d"):format(seed, workers, 8),
            60,
            chaos .. "RT_SEED=" .. seed
          )
          assert.same({ 0, "", "" }, { code, out, err }, "seed " .. seed)
        end
        for _, hog in ipairs(hogs) do
          hog:stop("KILL")
        end
      end
    )
  end
end)
