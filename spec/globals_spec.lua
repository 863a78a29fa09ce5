--- Programs that change their globals, `package`, or Lua's registry after they have loaded rt.
local kit = require("kit")

local function prints(expected, script, args)
  local code, out, err = kit.run(script, args)
  assert.same({ 0, expected }, { code, out }, err)
end

describe("a program that has loaded rt", function()
  for _, how in ipairs { "package = nil", "package.path, package.cpath = nil", "package.path = {}" } do
    it("may set " .. how .. ": tasks of the pool find rt", function()
      prints(
        "true\tstring\n",
        ('local rt = require("rt") %s %s'):format(
          how,
          [[print(rt.spawn(function()
          return require("rt").now() > 0, type(package.path)
        end):join())]]
        )
      )
    end)
  end

  it("may remove it from package.loaded: the next require gets the same", function()
    prints("true\ttrue\n", kit.program("loaded_again"))
  end)

  it("may empty Lua's registry", function()
    local code, out, err = kit.run(kit.program("empty_registry"))
    assert.same({ 1, "1\ntrue\n2\n" }, { code, out }, err)
    assert.matches("empty_registry.lua:%d+: the end\n", err)
  end)
end)
