--- rt.spawn_blocking: jobs that may block their thread.
local kit = require("kit")
local rt = require("rt")

describe("rt.spawn_blocking", function()
  it("G23 runs calls that block beside each other, and the pool goes on", function()
    kit.in_time(1.2, function()
      local t = rt.now()
      local tasks = {}
      for i = 1, 8 do
        tasks[i] = rt.spawn_blocking(function(k, seconds)
          os.execute("sleep " .. seconds)
          return k
        end, i, 0.2 * kit.slow)
      end
      for i = 1, 8 do
        assert.equal(i, (tasks[i]:join()))
      end
      return rt.now() - t
    end)
  end)

  it(
    "G23 has a bounded queue: a spawn waits for room, and a queued job can be cancelled",
    function()
      local program = kit.program("more_jobs_than_room")
      local code, out, err = kit.run(program, nil, 60, "RT_WORKERS=1")
      assert.equal(0, code, err)
      assert.equal("3000\ttrue\tcancelled\ttrue\twent on\n", out)
    end
  )

  it("a command that a task executes hears signals, and its result is as ever", function()
    local task = rt.spawn_blocking(function()
      local function result(...)
        return table.concat({ tostring((...)), select(2, ...) }, " ")
      end
      return result(os.execute("kill -TERM $$; echo deaf")),
        -- the message with errno is not compared
        io.open("/no/such/file") == nil and result(os.execute("exit 3")),
        result(os.execute("true")),
        os.execute()
    end)
    assert.same({ "nil signal 15", "nil exit 3", "true exit 0", true }, { task:join() })
    local by_name = rt.spawn_blocking(os.execute, "exit 4")
    assert.same({ nil, "exit", 4 }, { by_name:join() })
  end)

  it("a command can be started while a thread reads the output of another one", function()
    local fifo = kit.file(nil, ".fifo")
    assert(os.execute("mkfifo " .. fifo))
    local code, out, err = kit.run(kit.program("commands_beside_a_reader"), fifo)
    assert.same({ 0, "" }, { code, err })
    assert.equal("said\n\ttrue\texit\t0\nsaid in the pool\nread\ttrue\texit\t0\n", out)
  end)

  it("a command that a thread of a pool starts has no signal blocked", function()
    local function masks()
      local blocked = "grep SigBlk /proc/self/status"
      local file = os.tmpname()
      os.execute(blocked .. " >" .. file)
      local f = io.open(file)
      local executed = f:read("a")
      f:close()
      os.remove(file)
      return executed, io.popen(blocked):read("a")
    end
    for _, spawn in ipairs { rt.spawn, rt.spawn_blocking } do
      local none = "SigBlk:\t0000000000000000\n"
      assert.same({ none, none }, { spawn(masks):join() })
    end
  end)

  it("G24 SIGINT is heard while a task executes a command", function()
    kit.in_time(5, function()
      local it = kit.start_script(kit.program("command_that_sleeps"))
      assert.equal("ready", it:line())
      local started = rt.now()
      it:signal("INT")
      assert.not_equal(0, it:wait())
      return rt.now() - started
    end)
  end)

  it("G23 room in the queue that one cannot use is the next one's", function()
    local code, out, err = kit.run(kit.program("room_that_is_not_used"))
    assert.same({ 0, "done\n10\n", "" }, { code, out, err })
  end)
end)
