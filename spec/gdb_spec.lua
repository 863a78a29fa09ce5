--- docs/gdb.py shows workers and tasks in gdb.
local kit = require("kit")

describe("gdb:", function()
  it("shows every worker, and every task with where it waits", function()
    if not kit.in_rt_lua or kit.flavor ~= "" then
      return pending("the same in every host and flavour")
    end
    kit.needs(pending, "gdb")
    local program = kit.program("waits")
    local form = "RT_WORKERS=1 gdb -nx -q -batch -x docs/gdb.py -ex 'handle SIGUSR2 stop nopass' -ex run"
      .. " -ex rt-workers -ex 'rt-tasks bt' -ex 'thread 1' -ex rt-lua -ex kill --args %s %s"
    local _, out, err = kit.shell(form:format(kit.quote(kit.rt_lua), program), 60)
    local function says(text)
      assert(out:find(text, 1, true), ("not in gdb's output: %s\n%s%s"):format(text, out, err))
    end
    says("main         thread 1   tasks: 2    running: the main chunk\n")
    says("pool 1       thread ")
    says("tasks: 1    running: none\n")
    says("main:\n  main chunk, running\n    [C]: in field 'execute'\n")
    says("waiting for sleep, spawned at ")
    says("pool 1:\n  task 1, waiting for receive, spawned at ")
    says("    [C]: in method 'recv'\n    " .. program .. ":5: in function <" .. program .. ":4>\n")
    local last = out:match(".*%[Switching to thread 1 (.*)")
    assert(last and last:find("%[C%]: in field 'execute'"), out)
  end)
end)
