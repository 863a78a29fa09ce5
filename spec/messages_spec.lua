--- The texts of errors: where they say it was, and by which name.
local kit = require("kit")
local rt = require("rt")

local here = "^spec/messages_spec.lua:(%d+): "
local function line()
  return debug.getinfo(2, "l").currentline
end

describe("an error of rt", function()
  it("has the line of the program, however the function was called", function()
    local at = line()
    local calls = {
      { "task or function expected, got table", pcall(rt.join, {}) },
      { "task or function expected, got no value", pcall(rt.race) },
      { "function expected, got number", pcall(rt.run, 5) },
      { '"all", "any"', pcall(rt.scope, print, "x") },
      { "a finite period expected", pcall(rt.interval, math.huge) },
      { "unknown option 'x'", pcall(rt.interval, 1, { x = 1 }) },
      { "string expected, got number", pcall(rt.tcp.serve, 1) },
    }
    for i, call in ipairs(calls) do
      assert.is_false(call[2])
      assert.equal(at + 1 + i, tonumber(call[3]:match(here)), call[3])
      assert.truthy(call[3]:find(call[1], 1, true), call[3])
    end
  end)

  it("of the core has it, too, if a function of rt's Lua files was between", function()
    local code, _, err = kit.run(kit.program("deadlock"))
    assert.equal(1, code)
    assert.matches("\n[^\n]*: spec/programs/messages/deadlock.lua:3: deadlock: ", err)
  end)

  it("names a function as the program does, in every run", function()
    for _ = 1, 8 do -- (the order of a hash table differs from run to run)
      local code, out, err = kit.run(kit.program("names"))
      assert.same({
        0,
        "bad argument #1 to 'rt.sleep' (number expected, got table)\n"
          .. "rt.critical\nrt.sleep\nrt.join\n",
      }, { code, out }, err)
    end
  end)
end)
