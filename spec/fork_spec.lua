--- Children of fork: they end, and the parent notices nothing.
local kit = require("kit")

local library = kit.file(nil, ".so")
assert.equal(0, (kit.shell(("cc -shared -fPIC -o %s spec/programs/fork/fork.c"):format(library))))

describe("a child of fork:", function()
  local function run(program, args)
    -- (nothing is freed in a child)
    local env = ('FORK=%s ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"'):format(library)
    local code, out, err = kit.run(kit.program(program), args, 60, env)
    assert.equal(0, code, out .. err)
    return out, err
  end

  it("G34 uses nothing of rt, ends as it likes, and its parent goes on", function()
    local out, err = run("children")
    assert.matches("refusals\t3\n", out, 1, true) -- stderr has the names of those that did not raise
    assert.matches("\nexit\t5\n", out, 1, true)
    assert.matches("\nexits\t5\t5\t5\n", out, 1, true)
    assert.matches("\nsignal\t-15\n", out, 1, true)
    assert.matches("\ntask\t9\t1\n", out, 1, true)
    assert.matches("\npool\t7\n", out, 1, true) -- with no signal blocked
    assert.matches("\nmain\t0\nserved\n", out, 1, true)
    assert.equal("rt: a task of a child of fork must end the process, or call exec\n", err)
  end)

  it("G34 waits for no lock that another thread had when it was made", function()
    local out, err = run("locks", kit.flavor == "" and 80 or 10) -- (a sanitizer's fork is slow)
    assert.equal("all\nall\n", out)
    assert.equal(
      "",
      (err:gsub("rt: a task of a child of fork must end the process, or call exec\n", ""))
    )
  end)
end)
