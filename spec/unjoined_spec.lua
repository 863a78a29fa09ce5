--- G6: an error that nobody joins is told while the program runs, although its handle is kept.
local kit = require("kit")

local function run(name)
  return kit.run(kit.program(name))
end

--- The texts of the errors that were written to stderr, sorted.
local function told(err)
  local list = {}
  for text in err:gmatch("unhandled error in task [^\n]*\n([^\n]*)\n") do
    list[#list + 1] = text
  end
  table.sort(list)
  return list
end

describe("an error that nobody joins:", function()
  it("G6 is told while the handle is kept, once; a join raises it all the same", function()
    local code, out, err = run("kept_handles")
    assert.same({ 0, "" }, { code, err })
    local expected = { "blocking idle local pool" }
    for _, text in ipairs { "local", "pool", "blocking", "idle" } do
      for _ = 1, 2 do
        expected[#expected + 1] = "false\t" .. text
      end
    end
    expected[#expected + 1] = "again\ttrue"
    expected[#expected + 1] = "end\n"
    assert.equal(table.concat(expected, "\n"), out)
  end)

  it("G6 of a local task of the pool is told by its worker", function()
    assert.same({ 0, "in the pool\tin the pool\n", "" }, { run("in_the_pool") })
  end)

  it("G6 is not told if it is joined in time, waited for, or of a scope", function()
    local code, out, err = run("taken_care_of")
    assert.same({ 0, "" }, { code, err })
    assert.not_matches("told", out)
    assert.equal(7, select(2, out:gsub("false\t[^\n]*", "")), out)
  end)

  it("G6 is told after a second, and the exit code is 1 although it is joined later", function()
    local code, out, err = kit.run([[
      local rt = require("rt")
      local task, job = rt.spawn_local(error, "local", 0), rt.spawn(error, "job", 0)
      local began = rt.now()
      rt.sleep(0.5)
      io.stderr:write("half a second\n")
      rt.sleep(3)
      io.stderr:write("later\n")
      print(pcall(task.join, task))
      print(pcall(job.join, job))
    ]])
    assert.same({ 1, "false\tlocal\nfalse\tjob\n" }, { code, out })
    assert.same({ "job", "local" }, told(err))
    assert.matches("^half a second\n.*\nlater\n$", err)
  end)

  it("G6 unjoined = false, or math.huge: only at the end; 0: at once", function()
    for _, value in ipairs { "false", "math.huge" } do
      local code, _, err = kit.run([[
        local rt = require("rt")
        rt.configure { unjoined = ]] .. value .. [[ }
        local task = rt.spawn_local(error, "kept", 0)
        rt.sleep(1.5)
        io.stderr:write("at the end\n")
        task = task
      ]])
      assert.equal(1, code)
      assert.matches("^at the end\n.*\nkept\n", err)
    end
    local code, out, err = kit.run([[
      local rt = require("rt")
      rt.configure { unjoined = 0 }
      local told = rt.channel(1)
      rt.on_unhandled(function(e) told:send(e) end)
      local task = rt.spawn_local(error, "kept", 0)
      print(told:recv())
      task = task
    ]])
    assert.same({ 0, "kept\n", "" }, { code, out, err })
  end)

  it("G6 many that fail one after the other are each told once", function()
    local code, out, err = kit.run([[
      local rt = require("rt")
      rt.configure { unjoined = 0.02 }
      local seen, count, kept = {}, 0, {}
      local done = rt.notify()
      rt.on_unhandled(function(e)
        assert(not seen[e], e)
        seen[e], count = true, count + 1
        if count == 200 then done:notify_one() end
      end)
      for i = 1, 100 do
        kept[#kept + 1] = rt.spawn(error, i, 0)
        kept[#kept + 1] = rt.spawn_local(error, -i, 0)
        if i % 10 == 0 then rt.sleep(0.005) end
      end
      done:wait()
      for _, task in ipairs(kept) do assert(not pcall(task.join, task)) end
      kept = nil
      collectgarbage()
      rt.sleep(0.05)
      print(count)
    ]])
    assert.same({ 0, "200\n", "" }, { code, out, err })
  end)

  it("rt.configure refuses other values", function()
    local rt = require("rt")
    for _, value in ipairs { "1", true, -1, 0 / 0, {} } do
      assert.matches(
        "option 'unjoined': seconds, or false, expected, got ",
        kit.refused(rt.configure, { unjoined = value })
      )
    end
  end)
end)
