--- The pool: its workers, stolen tasks, reports.
local kit = require("kit")
local rt = require("rt")

--- Runs a script with a number of workers, which must end well; returns its output.
local function with_workers(n, script, args)
  local code, out, err = kit.run(script, args, 60, "RT_WORKERS=" .. n)
  assert(code == 0, ("with %d workers: exit code %s\n%s%s"):format(n, code, out, err))
  return out
end

describe("conservation:", function()
  it("G2 G3 spawned = started + cancelled before start, over many spawns, with steals", function()
    local n = math.max(50000, kit.flavor == "" and 1000000 // kit.slow or 0)
    for _, workers in ipairs { 2, 4 } do
      local rounds = n // 2000
      local out = with_workers(workers, kit.program("spawns_with_steals"), rounds)
      assert.equal("true\n", out)
    end
  end)
end)

describe("errors that nobody joins:", function()
  it("G6 of the pool are reported with task, place and traceback; exit code 1", function()
    local code, out, err = kit.run(kit.program("unhandled_error"))
    assert.same({ 1, "end\n" }, { code, out })
    assert.matches(
      "^rt: unhandled error in task 1, spawned at [^\n]*:5\n[^\n]*:7: lost\nstack traceback:\n",
      err
    )
  end)

  it("G6 whose handles are still held are reported at the end", function()
    local code, _, err = kit.run([[
      local rt = require "rt"
      kept = rt.spawn(error, "kept")
      while kept:status() ~= "failed" do rt.sleep(0.001) end
    ]])
    assert.equal(1, code)
    assert.matches("rt: unhandled error in task 1, .*kept", err)
  end)

  it("G6 go to rt.on_unhandled", function()
    local out = with_workers(2, kit.program("on_unhandled"))
    assert.equal("9\tnobody's\tstack traceback:\n", out)
  end)

  it("G6 of a local task inside a worker: exit code 1, too", function()
    local code, _, err = kit.run([[
      local rt = require "rt"
      rt.spawn(function() rt.spawn_local(error, "inner") rt.sleep(0.01) end):join()
    ]])
    assert.equal(1, code)
    assert.matches("rt: unhandled error in task %d+, .*inner", err)
  end)
end)

describe("the pool", function()
  it("print never tears a line", function()
    local program = kit.command(kit.program("lines_of_eight_tasks"), nil, "RT_WORKERS=4")
    local _, out, err = kit.shell("env " .. program .. " | cat", 60) -- (a full pipe blocks)
    assert.equal("", err)
    local short, long = 0, 0
    for line in out:gmatch("[^\n]*\n") do
      local text = line:match("^%d\t(x+)\t%d+\n$") or ""
      assert(#text == 100 or #text == 100000, line:sub(1, 200))
      short, long = short + 100 // #text, long + #text // 100000
    end
    assert.same({ 8 * 200, 8 * 4 }, { short, long })
  end)

  it("rt.configure, RT_WORKERS and --workers say how many", function()
    local show = "local rt = require 'rt' rt.spawn(function() end):join() print(rt.workers())"
    assert.equal("3\n", (with_workers(3, show)))
    assert.equal("2\n", (with_workers(3, "require('rt').configure{workers=2} " .. show)))
    if kit.in_rt_lua then
      local _, out = kit.shell(kit.quote(kit.host) .. " --workers 5 -e " .. kit.quote(show))
      assert.equal("5\n", out)
      for _, wrong in ipairs { "x", "0", "257" } do
        local code, _, err = kit.shell(("%s --workers %s -e ''"):format(kit.quote(kit.host), wrong))
        assert.equal(1, code)
        assert.matches("needs a number from 1 to 256", err)
      end
    end
    local code, _, err = kit.run([[
      local rt = require "rt"
      rt.spawn(function() end):join()
      rt.configure{ workers = 2 }
    ]])
    assert.equal(1, code)
    assert.matches("rt.configure must come before the first spawn", err)
    assert.matches(
      "option 'workers': an integer from 1",
      kit.refused(rt.configure, { workers = 0 })
    )
    assert.matches("unknown option 'wrokers'", kit.refused(rt.configure, { wrokers = 1 }))
  end)

  it("a task says when it waits, and when it goes on", function()
    local ch, told = rt.channel(0), rt.dict()
    local task = rt.spawn(function()
      ch:recv()
      while not told:get("to end") do -- the task does not wait
      end
    end)
    local function becomes(status)
      kit.wait_for(function()
        return task:status() == status
      end, 20, "the task to be " .. status)
    end
    becomes("waiting")
    ch:send(1)
    becomes("running")
    told:set("to end", true)
    becomes("done")
  end)

  it("G4 rt.preload takes nothing that only one of them could have", function()
    local out = with_workers(2, kit.program("preload_of_a_listener"))
    assert.equal("false\ttrue\ntrue\n", out)
  end)

  it("rt.preload prepares each worker's state", function()
    local out = with_workers(2, kit.program("preload"))
    assert.equal("nil\n", out)
    local code, _, err = kit.run([[
      local rt = require "rt"
      rt.preload("no.such.module")
      rt.spawn(function() end):join()
    ]])
    assert.equal(1, code)
    assert.matches("rt.preload failed in this worker: .*no.such.module", err)
  end)

  it("is idle without work: 0 %% CPU", function()
    local out = with_workers(4, kit.program("idle"))
    assert.is_true(tonumber(out) < 0.01 * kit.slow, out)
  end)

  it("all workers take part", function()
    local out = with_workers(4, kit.program("states_of_tasks"))
    assert.equal("4\n", out)
  end)

  it("fork in the process, with workers running, is safe", function()
    local out = with_workers(4, kit.program("commands"))
    assert.equal("ok\n", out)
  end)
end)
