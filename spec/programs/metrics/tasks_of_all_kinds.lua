--- Spawns 1,000 tasks that end in all ways, and compares their numbers with those of rt.metrics. arg[1]: the seed.
local rt = require("rt")
local settled = require("settled")

math.randomseed(tonumber(arg[1]) or 7)
local expected = { spawned = 0, failed = 0 }
local function add(name)
  expected[name] = expected[name] + 1
end

local kinds = {
  function()
    return rt.spawn(function() end)
  end,
  function()
    return rt.spawn_local(function()
      rt.yield()
    end)
  end,
  function()
    return rt.spawn(function()
      rt.sleep(0.001)
    end)
  end,
  function()
    add("failed")
    return rt.spawn(error, "x")
  end,
  function()
    add("failed")
    return rt.spawn_local(error, "x")
  end,
  function()
    local t = rt.spawn(rt.sleep, 100)
    t:cancel()
    return t
  end,
  function()
    local t = rt.spawn_local(rt.sleep, 100)
    t:cancel()
    return t
  end,
  function()
    local t = rt.spawn_local(rt.sleep, 100)
    rt.yield()
    t:cancel()
    return t
  end,
  function()
    return rt.spawn_blocking(function() end)
  end,
  function()
    add("spawned")
    return rt.spawn(function()
      rt.spawn(function() end):join()
    end)
  end,
  function()
    add("spawned")
    return rt.spawn(function()
      pcall(rt.scope, function(s)
        s:spawn(rt.sleep, 100)
        s:cancel()
      end)
    end)
  end,
}
for _ = 1, 20 do
  local tasks = {}
  for i = 1, 50 do
    add("spawned")
    tasks[i] = kinds[math.random(#kinds)]()
  end
  for _, t in ipairs(tasks) do
    pcall(t.join, t)
  end
end
local m = settled()
assert(m.spawned == expected.spawned, m.spawned .. " and not " .. expected.spawned)
assert(m.failed == expected.failed, m.failed .. " and not " .. expected.failed)
print(m.unstarted > 0, m.cancelled > 0, #m.workers <= tonumber(os.getenv("RT_WORKERS")))
