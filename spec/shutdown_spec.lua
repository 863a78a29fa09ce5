--- rt.shutdown: a task ends the program.
local kit = require("kit")

--- What a stock interpreter prints when its script was cancelled.
local function without_notice(err)
  return (
    kit.in_rt_lua and err or err:gsub("[^\n]*lua[^\n]*: cancelled: the program is shut down\n", "")
  )
end

--- Runs a script with 1 and with 4 workers, which must end well and quietly. `check` gets its
--- lines, sorted, and the seconds that it took.
local function each(script, args, check, numbers)
  for _, workers in ipairs(numbers or { 1, 4 }) do
    local begun = require("rt").now()
    local code, out, err = kit.run(script, args, 60, "RT_WORKERS=" .. workers)
    assert.same({ 0, "" }, { code, without_notice(err) }, out)
    local lines = {}
    for line in out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    check(lines, require("rt").now() - begun)
  end
end

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
  for _, caller in ipairs {
    "a job that may block",
    "a local task",
    "a scope",
    "a task of the pool",
    "a task that is closed",
    "several at once",
    "the main chunk",
  } do
    it("G24 ends everything when called by " .. caller, function()
      each(kit.program("shutdown_with_tasks_of_all_kinds"), kit.quote(caller), function(lines)
        assert.same(all, lines)
      end)
    end)
  end

  it("G24 cancels the main chunk, which can clean up and wait for that", function()
    each(kit.program("main_is_cancelled"), nil, function(lines)
      assert.same({
        "cleaned up",
        "false\tcancelled: the program is shut down",
        "false\tcancelled: the program is shut down\ttrue",
      }, lines)
    end)
  end)

  it("G24 keeps to its seconds, whatever cleans up for longer", function()
    for _, where in ipairs {
      "the main chunk, shielded",
      "a task of the pool, shielded",
      "a local task, shielded",
      "a local task that ignores errors",
      "the main chunk, which ignores errors",
    } do
      for _, workers in ipairs { 1, 4 } do
        kit.in_time(4, function()
          local seconds
          each(kit.program("cleanup_without_end"), kit.quote(where), function(lines, took)
            assert.same({ "closed main" }, lines)
            assert.is_true(took >= 0.1, took)
            seconds = took
          end, { workers })
          return seconds
        end)
      end
    end
  end)

  it("G24 called twice, keeps to the shorter time, whichever comes first", function()
    for _, order in ipairs { "100 0.2", "0.2 100" } do
      for _, who in ipairs { "spawn_local", "spawn" } do
        kit.in_time(4, function()
          local seconds
          each(kit.program("called_twice"), order .. " " .. who, function(lines, took)
            assert.same({ "closed main" }, lines)
            assert.is_true(took >= 0.2, took)
            seconds = took
          end, { 2 })
          return seconds
        end)
      end
    end
  end)

  it("G24 gives no less than its seconds", function()
    each(kit.program("cleanup_takes_six_seconds"), nil, function(lines)
      assert.same({ "cleaned up" }, lines)
    end, { 2 })
  end)

  if kit.flavor ~= "tsan" then -- which delays a signal until a busy program makes a call
    it("G24 ends code that never waits", function()
      each('local rt = require("rt") rt.spawn(rt.shutdown) while true do end', nil, function(lines)
        assert.same({}, lines)
      end)
      each(
        [[
          local rt = require("rt")
          rt.spawn(function() while true do end end)
          rt.spawn(rt.shutdown, 1) rt.sleep(1000)]],
        nil,
        function(lines)
          assert.same({}, lines)
        end
      )
      for _, how in ipairs { "call", "spawn" } do
        each(kit.program("busy_local_task"), how, function(lines)
          assert.same({ "closed local" }, lines)
        end)
      end
    end)
  end

  it("G24 leaves the exit code to errors, and to signals", function()
    for place, message in pairs {
      ["in a task, before it"] = "oops",
      ["in the main chunk"] = "oops",
      ["in the main chunk, by Lua"] = "attempt to concatenate",
    } do
      local code, _, err = kit.run(kit.program("error_and_shutdown"), kit.quote(place))
      assert.equal(1, code, err)
      assert.matches(message, err, 1, true)
    end
    local exits = 'local rt = require("rt") rt.shutdown() pcall(rt.sleep, 1) os.exit(7, true)'
    assert.equal(7, (kit.run(exits)))
  end)

  it("G24 changes nothing when the program has ended, and takes seconds only", function()
    each(kit.program("shutdown_after_the_end"), nil, function(lines)
      assert.equal(3, #lines)
      assert.equal("closed", lines[1])
      assert.matches("bad argument", lines[2])
    end)
  end)
end)
