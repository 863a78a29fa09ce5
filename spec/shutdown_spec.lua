--- rt.shutdown: the program ends because a task says so.
local kit = require("kit")

local prelude = [[
  local rt = require "rt"
  local function guard(text)
    return setmetatable({}, { __close = function() print("closed " .. text) end })
  end
]]

--- What a stock interpreter says by itself when its script was cancelled.
local function without_notice(err)
  return (
    kit.in_rt_lua and err or err:gsub("[^\n]*lua[^\n]*: cancelled: the program is shut down\n", "")
  )
end

--- Runs a script with 1 and with 4 workers, which must end well and quietly; its lines, sorted.
local function each(script, check, numbers)
  for _, workers in ipairs(numbers or { 1, 4 }) do
    local begun = require("rt").now()
    local configured = prelude .. ("rt.configure{ workers = %d }\n"):format(workers)
    local code, out, err = kit.run(configured .. script, nil, 60)
    assert.same({ 0, "" }, { code, without_notice(err) }, out)
    local lines = {}
    for line in out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    check(lines, require("rt").now() - begun)
  end
end

local everybody = [[
  local main <close> = guard("main")
  local up = rt.channel(7)
  for i = 1, 3 do
    rt.spawn(function() local g <close> = guard("pool") up:send(1) rt.sleep(1000) end)
    rt.spawn_local(function() local g <close> = guard("local") up:send(1) rt.sleep(1000) end)
  end
  rt.spawn_blocking(function() local g <close> = guard("blocking") up:send(1) rt.sleep(1000) end)
  for i = 1, 7 do up:recv() end
]]
local all = {
  "closed blocking",
  "closed local",
  "closed local",
  "closed local",
  "closed main",
  "closed pool",
  "closed pool",
  "closed pool",
}

describe("rt.shutdown", function()
  local callers = {
    ["a task of the pool"] = "rt.spawn(function() rt.shutdown() end) rt.sleep(1000)",
    ["a local task"] = "rt.spawn_local(function() rt.shutdown() end) rt.sleep(1000)",
    ["a job that may block"] = "rt.spawn_blocking(function() rt.shutdown() end) rt.sleep(1000)",
    ["the main chunk"] = "rt.shutdown() rt.sleep(1000)",
    ["several at once"] = [[for _ = 1, 10 do rt.spawn(rt.shutdown, 50) rt.spawn_local(rt.shutdown) end
      rt.shutdown() rt.shutdown(20) rt.sleep(1000)]],
    ["a scope"] = "rt.scope(function(s) s:spawn(function() rt.shutdown() rt.sleep(1000) end) end)",
    ["a task that is closed"] = [[rt.spawn(function()
        local g <close> = setmetatable({}, { __close = function() rt.shutdown() end })
        rt.shutdown()
        rt.sleep(1000)
      end)
      rt.sleep(1000)]],
  }
  for name, call in require("pl.tablex").sort(callers) do
    it("G24 ends everything when called by " .. name, function()
      each(everybody .. call, function(lines)
        assert.same(all, lines)
      end)
    end)
  end

  it("G24 cancels the main chunk, which can clean up and wait for that", function()
    each(
      [[
        rt.spawn(rt.shutdown)
        local ok, e = pcall(rt.sleep, 1000)
        print(ok, e, getmetatable(e) == rt.Cancelled)
        print(pcall(rt.yield))
        rt.shield(function() rt.sleep(0.05) print("cleaned up") end)
      ]],
      function(lines)
        assert.same({
          "cleaned up",
          "false\tcancelled: the program is shut down",
          "false\tcancelled: the program is shut down\ttrue",
        }, lines)
      end
    )
  end)

  it("G24 keeps to its seconds, whatever cleans up for longer", function()
    for _, where in ipairs {
      "rt.shield(rt.sleep, 1000)",
      "rt.spawn(rt.shield, rt.sleep, 1000) rt.sleep(1000)",
      "rt.spawn_local(rt.shield, rt.sleep, 1000) rt.sleep(1000)",
      "rt.spawn_local(function() while true do pcall(rt.sleep, 1) end end) rt.sleep(1000)",
      "while true do pcall(rt.sleep, 1) end",
    } do
      each([[
          local g <close> = guard("main")
          rt.spawn(function() rt.sleep(0.1) rt.shutdown(0.2) end)
        ]] .. where, function(lines, took)
        assert.same({ "closed main" }, lines)
        assert.is_true(took >= 0.1, took)
        assert.is_true(took < 4 * kit.slow, took)
      end)
    end
  end)

  it("G24 gives no less than its seconds", function()
    each(
      [[
        rt.spawn(function()
          local g <close> = setmetatable({}, { __close = function()
            rt.shield(function() rt.sleep(6) print("cleaned up") end)
          end })
          rt.shutdown(60)
          rt.sleep(1000)
        end)
        rt.sleep(1000)
      ]],
      function(lines)
        assert.same({ "cleaned up" }, lines)
      end,
      { 2 }
    )
  end)

  if kit.flavor ~= "tsan" then -- where a signal waits until a busy program makes a call
    it("G24 ends code that never waits", function()
      each("rt.spawn(rt.shutdown) while true do end", function(lines)
        assert.same({}, lines)
      end)
      each(
        "rt.spawn(function() while true do end end) rt.spawn(rt.shutdown, 1) rt.sleep(1000)",
        function(lines)
          assert.same({}, lines)
        end
      )
      for _, shutdown in ipairs { "rt.shutdown(0.2)", "rt.spawn(rt.shutdown, 0.2)" } do
        each(
          "rt.spawn_local(function() "
            .. shutdown
            .. " local g <close> = guard('local') while true do end end) rt.sleep(1000)",
          function(lines)
            assert.same({ "closed local" }, lines)
          end
        )
      end
    end)
  end

  it("G24 leaves the exit code to errors, and to signals", function()
    for script, message in pairs {
      ["local t = rt.spawn(function() error('oops') end) repeat rt.sleep(0.01) until t:status() == 'failed' rt.shutdown() rt.sleep(1)"] = "oops",
      ["rt.shutdown() pcall(rt.sleep, 1) error('oops')"] = "oops",
      ["rt.shutdown() pcall(rt.sleep, 1) print(nil .. '')"] = "attempt to concatenate",
    } do
      local code, _, err = kit.run(prelude .. script)
      assert.equal(1, code, err)
      assert.matches(message, err, 1, true)
    end
    assert.equal(7, (kit.run(prelude .. "rt.shutdown() pcall(rt.sleep, 1) os.exit(7, true)")))
  end)

  it("G24 changes nothing when the program has ended, and takes seconds only", function()
    each(
      [[
        local late = setmetatable({}, { __gc = function() rt.shutdown() end })
        rt.spawn_local(function()
          local g <close> = setmetatable({}, { __close = function() rt.shutdown(0) print("closed") end })
          rt.sleep(1000)
        end)
        rt.yield()
        print(pcall(rt.shutdown, "soon"))
        print(pcall(rt.shutdown, -1))
      ]],
      function(lines)
        assert.equal(3, #lines)
        assert.equal("closed", lines[1])
        assert.matches("bad argument", lines[2])
      end
    )
  end)
end)
