--- Reproducible runs: RT_CLOCK=virtual, RT_SEED=n, RT_TRACE=file, in debug builds.
local kit = require("kit")

--- Runs the program. Returns its output and its trace.
local function traced(seed, workers)
  local trace = kit.file(nil, ".trace")
  local env = ("RT_CLOCK=virtual RT_SEED=%d RT_TRACE=%s"):format(seed, trace)
  local code, out, err = kit.run(kit.program("sleeps_channels_and_locks"), workers, 20, env)
  assert.same({ 0, "" }, { code, err })
  return out, kit.read(trace)
end

describe("with the virtual clock", function()
  local function it_there(title, f)
    it(title, kit.flavor == "" and function()
      pending("this build has no virtual clock")
    end or f)
  end

  for _, workers in ipairs { 1, 4 } do
    it_there(
      "G28 two runs give the same trace, and other seeds another: " .. workers .. " workers",
      function()
        local traces, different = {}, 0
        for seed = 1, 3 do
          local out, trace = traced(seed, workers)
          for _ = 1, 3 do
            local again_out, again = traced(seed, workers)
            assert.equal(out, again_out)
            assert.equal(trace, again)
          end
          assert.matches(" an hour timeout\n$", out)
          for _, what in ipairs { "spawn", "queue", "resume", "wait", "end" } do
            assert.matches("%d+ %d+ " .. what .. " %d+", trace)
          end
          for _, other in ipairs(traces) do
            different = different + (other ~= trace and 1 or 0)
          end
          traces[seed] = trace
        end
        assert.is_true(different > 0, "the choice of rt.select does not depend on the seed")
      end
    )
  end

  it_there("G28 time is not slept away", function()
    local begun = os.time()
    local code, out, err =
      kit.run(kit.program("three_million_seconds"), nil, 20, "RT_CLOCK=virtual")
    assert.same({ 0, "2999\n", "" }, { code, out, err })
    assert.is_true(os.time() - begun < 20 * kit.slow)
  end)

  it_there("G28 sockets and deadlocks are seen all the same", function()
    local code, out, err = kit.run(kit.program("server_and_deadlock"), nil, 20, "RT_CLOCK=virtual")
    assert.same({ 1, "talked\n" }, { code, out })
    assert.matches("rt: deadlock: ", err, 1, true)
    assert.matches("task %d+, waiting for receive for ", err)
  end)
end)

describe("a value that means nothing", function()
  for variable, message in pairs {
    ["RT_CHAOS=stael,delay"] = "rt: RT_CHAOS: 'stael' is none of steal, preempt, short-io, alloc, delay\n",
    ["RT_CLOCK=virtaul"] = "rt: RT_CLOCK=virtaul is not 'virtual', and has no effect\n",
    ["RT_TRACE=/none/trace"] = "rt: there is no trace: RT_TRACE=/none/trace: No such file or directory\n",
  } do
    it("is reported: " .. variable, function()
      if kit.flavor == "" then
        return pending("this build does not read it")
      end
      local script = "require('rt').spawn(function() end):join()"
      local code, _, err = kit.run(script, nil, 20, variable .. " RT_SEED=1")
      assert.same({ 0, message }, { code, err })
    end)
  end
end)
