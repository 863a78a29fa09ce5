--- `make mutants` (spec/support/mutants.lua): the lists of spec/mutants, and what is said of an entry.
local kit = require("kit")

local mutants_it = kit.once(it, function(why)
  return pending(why)
end)

--- The command for a list of mutants of lua/rt. The build folder is that of this run.
local function command(entries, arguments)
  local folder = kit.file(nil, "")
  assert(os.execute("mkdir " .. folder))
  local list = assert(io.open(folder .. "/lua_rt.lua", "w"))
  list:write("return {", entries, "}")
  list:close()
  return ("exec lua5.4 spec/support/mutants.lua --lists %s %s"):format(folder, arguments or "")
end

--- Returns exit code and output.
local function run(entries, arguments)
  local code, out, err = kit.shell(command(entries, arguments), 120)
  return code, out .. err
end

local applies = [[
  { file = "lua/rt/time.lua", from = "interval.tick + 1", to = "interval.tick + 2",
    wrong = "every other tick is left out", spec = "time", test = "G18 ticks at once" },
]]
local changes_nothing = [[
  { file = "lua/rt/time.lua", from = "rt.interval: ticks", to = "rt.interval: TICKS",
    wrong = "a comment is loud", spec = "time", test = "G18 ticks at once" },
]]

describe("mutants:", function()
  mutants_it(
    "each entry applies to the source, each folder has some, and there are enough",
    function()
      local code, out, err = kit.shell("exec lua5.4 spec/support/mutants.lua --check", 60)
      assert(code == 0, out .. err)
    end
  )

  mutants_it("an entry that does not apply exactly once, or names no spec, is refused", function()
    for wrong, what in pairs {
      ["is there 0 times"] = 'from = "no such text"',
      ["is there %d%d+ times"] = 'from = "e"',
      ["no such file"] = 'from = "e", file = "lua/rt/none.lua"',
      ["another folder"] = 'from = "e", file = "src/base/buf.c"',
      ["changes nothing"] = 'from = "x"',
      ["has no 'from'"] = "",
      ["has 'form'"] = 'from = "e", form = 1',
      ["there is no spec/none_spec.lua"] = 'from = "rt.interval: ticks", spec = "none"',
      ["not one of spec, ground, model"] = 'from = "rt.interval: ticks", ground = "buf"',
      ["no flavour fast"] = 'from = "rt.interval: ticks", flavor = "fast"',
    } do
      local entry = ([[{ file = "lua/rt/time.lua", to = "x", wrong = "w", spec = "time", %s }]]):format(
        what
      )
      local code, out = run(entry, "--check")
      assert.equal(1, code, out)
      assert.matches(wrong, out)
    end
  end)

  mutants_it("one that is noticed, one that is not, and one that does not compile", function()
    local broken = applies:gsub("interval.tick %+ 2", "interval.tick +")
    local nothing = applies:gsub("G18 ticks at once", "no such title")
    local code, out = run(applies .. changes_nothing .. broken .. nothing)
    assert.equal(1, code, out)
    assert.matches(
      "\nnoticed lua/rt/time.lua: every other tick is left out (time 'G18 ticks",
      out,
      1,
      true
    )
    assert.matches("\nNOT NOTICED lua/rt/time.lua: a comment is loud", out, 1, true)
    assert.matches("\nERROR lua/rt/time.lua: every other", out, 1, true)
    assert.matches("no spec was run", out, 1, true)
    assert.matches("\n2 of 3 mutants noticed, 0 cannot be (67 %); 1 errors", out, 1, true)
  end)

  mutants_it("those that are all noticed, and one that nobody can notice", function()
    local unnoticed = changes_nothing:gsub("spec = .*", 'unnoticed = "it is a comment" },')
    local code, out = run(applies .. unnoticed, "--only lua/rt")
    assert.equal(0, code, out)
    assert.matches(
      "\ncannot be noticed: lua/rt/time.lua: a comment is loud\n +it is a comment",
      out
    )
    assert.matches("\n1 of 2 mutants noticed, 1 cannot be", out, 1, true)
    assert.equal(2, (run(applies, "--only sync")))
  end)

  mutants_it("Ctrl-C ends what runs, and removes the copy", function()
    local hangs = applies:gsub("interval.tick %+ 2", "(function() while true do end end)()")
    local scratch = kit.file(nil, "")
    assert(os.execute("mkdir " .. scratch))
    local it = kit.start("TMPDIR=" .. scratch .. " " .. command(hangs):gsub("^exec ", ""))
    kit.wait_for(function()
      return it:output():find("first what they run", 1, true)
    end, 60, "its beginning")
    it:signal("INT")
    assert.equal(130, it:wait(60))
    assert.matches("mutants: interrupted", it:output(), 1, true)
    local _, left = kit.shell("ls " .. scratch)
    assert.equal("", left)
    kit.wait_for(function()
      local _, processes = kit.shell("ps -A -o args=")
      return not processes:find(scratch, 1, true)
    end, 20, "the end of its processes")
  end)
end)
