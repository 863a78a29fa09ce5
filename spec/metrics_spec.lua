--- rt.metrics: numbers that only grow, and add up.
local kit = require("kit")

local prelude = [[
  local rt = require "rt"
  local sums = { "spawned", "started", "unstarted", "done", "failed", "cancelled", "resumes", "preempted", "polls",
    "parks", "posts", "timers", "stolen" }
  --- Waits until nothing is left to end, and checks what must be so then.
  local function settled()
    local m
    repeat
      rt.sleep(0.001)
      m = rt.metrics()
    until m.spawned == m.done + m.failed + m.cancelled
    assert(m.spawned == m.started + m.unstarted, m.spawned .. " spawned, " .. m.started .. " started")
    return m
  end
]]

local function fine(workers, script)
  local configured = ("%s\nrt.configure{ workers = %d }\n"):format(prelude, workers)
  local code, out, err = kit.run(configured .. script, nil, 60)
  assert.same({ 0, "" }, { code, err })
  return out
end

describe("rt.metrics", function()
  for _, workers in ipairs { 1, 2, 4 } do
    it(
      "G27 adds up, and G2 spawned = started + cancelled before start: " .. workers .. " workers",
      function()
        local out = fine(workers, [[
          math.randomseed(tonumber(arg and arg[1]) or 7)
          local expected = { spawned = 0, failed = 0 }
          local function add(name) expected[name] = expected[name] + 1 end
          local kinds = {
            function() return rt.spawn(function() end) end,
            function() return rt.spawn_local(function() rt.yield() end) end,
            function() return rt.spawn(function() rt.sleep(0.001) end) end,
            function() add("failed") return rt.spawn(error, "x") end,
            function() add("failed") return rt.spawn_local(error, "x") end,
            function() local t = rt.spawn(rt.sleep, 100) t:cancel() return t end,
            function() local t = rt.spawn_local(rt.sleep, 100) t:cancel() return t end,
            function() local t = rt.spawn_local(rt.sleep, 100) rt.yield() t:cancel() return t end,
            function() return rt.spawn_blocking(function() end) end,
            function() add("spawned") return rt.spawn(function() rt.spawn(function() end):join() end) end,
            function()
              add("spawned")
              return rt.spawn(function() pcall(rt.scope, function(s) s:spawn(rt.sleep, 100) s:cancel() end) end)
            end,
          }
          for round = 1, 20 do
            local tasks = {}
            for i = 1, 50 do
              add("spawned")
              tasks[i] = kinds[math.random(#kinds)]()
            end
            for _, t in ipairs(tasks) do pcall(t.join, t) end
          end
          local m = settled()
          assert(m.spawned == expected.spawned, m.spawned .. " and not " .. expected.spawned)
          assert(m.failed == expected.failed, m.failed .. " and not " .. expected.failed)
          print(m.unstarted > 0, m.cancelled > 0, #m.workers <= ]] .. workers .. [[)
        ]])
        assert.equal("true\ttrue\ttrue\n", out)
      end
    )
  end

  it("G27 is the sum of what each worker has done, and never falls", function()
    fine(
      4,
      [[
        local last
        for _ = 1, 50 do
          local tasks = {}
          for i = 1, 20 do tasks[i] = rt.spawn(function() rt.yield() end) end
          local m = rt.metrics()
          for _, name in ipairs(sums) do
            assert(math.type(m[name]) == "integer", name)
            assert(not last or m[name] >= last[name], name .. " falls")
            local sum = m.main[name]
            for _, w in ipairs(m.workers) do sum = sum + w[name] end
            for _, w in ipairs(m.blocking) do sum = sum + w[name] end
            assert(sum <= m[name], name .. " does not add up") -- (some are no worker's)
          end
          last = m
          for i = 1, 20 do tasks[i]:join() end
        end
        settled()
      ]]
    )
  end)

  it("G27 is the same on every worker", function()
    fine(
      2,
      [[
        for _ = 1, 10 do rt.spawn(function() end):join() end
        local here = settled()
        local there = rt.spawn(rt.metrics):join()
        assert(there.spawned == here.spawned + 1)
        assert(there.main.spawned == here.main.spawned + 1)
        assert(there.done == here.done)
        there = rt.spawn_blocking(rt.metrics):join()
        assert(there.spawned == here.spawned + 2 and #rt.metrics().blocking >= 1)
      ]]
    )
  end)

  it("G27 counts without a pool, too", function()
    fine(
      2,
      [[
        local before = rt.metrics()
        assert(#before.workers == 0 and #before.blocking == 0 and before.spawned == 0)
        local t = rt.spawn_local(function() rt.sleep(0.01) end)
        t:join()
        local m = rt.metrics()
        assert(m.spawned == 1 and m.started == 1 and m.done == 1 and m.timers == 1, m.timers)
        assert(m.resumes >= 1 and m.parks + m.polls >= 1 and m.main.done == 1)
      ]]
    )
  end)

  if kit.flavor ~= "tsan" then
    it("G27 counts what was switched", function()
      fine(
        1,
        [[
          local hog = rt.spawn(function() while true do end end)
          local ticker = rt.spawn(function() for _ = 1, 5 do rt.sleep(0.02) end end)
          ticker:join()
          assert(rt.metrics().preempted > 0)
          hog:cancel()
          pcall(hog.join, hog)
          settled()
        ]]
      )
    end)
  end
end)
