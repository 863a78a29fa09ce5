--- Reproducible runs: RT_CLOCK=virtual, RT_SEED=n, RT_TRACE=file, in the builds that are for testing.
local kit = require("kit")

local program = [[
  local rt = require "rt"
  rt.configure{ workers = tonumber(arg[1]) }
  local a, b, got, tasks = rt.channel(1), rt.channel(2), {}, {}
  for i = 1, 5 do
    tasks[#tasks + 1] = rt.spawn(function()
      for k = 1, 5 do rt.sleep(10 * k) a:send(i * 10 + k) end
    end)
    tasks[#tasks + 1] = rt.spawn_local(function()
      for k = 1, 5 do rt.sleep(10 * k) b:send(i * 100 + k) end
    end)
  end
  for i = 1, 50 do
    rt.sleep(1)
    local n, v = rt.select(a:recv_op(), b:recv_op())
    got[i] = n .. ":" .. v
    if i % 7 == 0 then rt.yield() end
  end
  for _, t in ipairs(tasks) do t:join() end
  local lock = rt.mutex(0)
  rt.scope(function(s)
    for _ = 1, 5 do
      s:spawn(function() lock:with(function(n) rt.sleep(0.5) return n + 1 end) end)
      s:spawn_local(function() lock:with(function(n) return n + 1 end) end)
    end
  end)
  got[#got + 1] = lock:with(function(n) return n end) or "nothing"
  got[#got + 1] = rt.spawn_blocking(function() rt.sleep(3600) return "an hour" end):join()
  got[#got + 1] = select(2, rt.timeout(7200, function() rt.channel():recv() end))
  rt.spawn(rt.sleep, 100):cancel()
  print(table.concat(got, " "))
]]

--- Runs the program; what it prints, and its trace.
local function traced(seed, workers)
  local trace = kit.file(nil, ".trace")
  local how = ("RT_CLOCK=virtual RT_SEED=%d RT_TRACE=%s "):format(seed, trace)
  local code, out, err = kit.shell("exec env " .. how .. kit.command(program, workers), 20)
  assert.same({ 0, "" }, { code, err })
  -- (the file of the script has another name each time)
  return out, (kit.read(trace):gsub("%S+/%d+%.lua", "script.lua"))
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
    local code, out, err = kit.shell("exec env RT_CLOCK=virtual " .. kit.command([[
      local rt = require "rt"
      local begun = rt.now()
      rt.sleep(1000000)
      rt.spawn(function() rt.sleep(1000000) end):join()
      local n = 0
      for _ in rt.interval(1000) do n = n + 1 if n == 1000 then break end end
      print(math.floor((rt.now() - begun) / 1000))
    ]]))
    assert.same({ 0, "2999\n", "" }, { code, out, err })
    assert.is_true(os.time() - begun < 20 * kit.slow)
  end)

  it_there("G28 sockets and deadlocks are seen all the same", function()
    local code, out, err = kit.shell("exec env RT_CLOCK=virtual " .. kit.command([[
      local rt = require "rt"
      local server = assert(rt.tcp.serve("127.0.0.1", 0, function(s) s:write(s:read("l"), "!\n") end))
      local _, port = server:address()
      for i = 1, 20 do
        local s <close> = assert(rt.tcp.connect("127.0.0.1", port))
        s:write("hello ", i, "\n")
        assert(s:read("l") == "hello " .. i .. "!")
      end
      server:close()
      print("talked")
      rt.spawn(function() rt.channel():recv() end):join()
    ]]))
    assert.same({ 1, "talked\n" }, { code, out })
    assert.matches("rt: deadlock: ", err, 1, true)
    assert.matches("task %d+, waiting for receive for ", err)
  end)
end)
