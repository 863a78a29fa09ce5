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

  it("may keep os.execute, and a command, longer than rt", function()
    prints("true\nread\ttrue\n", kit.program("kept_functions"))
  end)

  it("may hide every global, and the functions of string, table and math", function()
    local code, out, err = kit.run(kit.program("hidden"))
    assert.equal(0, code, err)
    for line in
      ([[
run	true 1 2
join	true 1 2
race	true 1 first
scope	false attempt to index a nil value (local 'nothing')
several	true attempt to index a nil value (local 'nothing')
any	true 1
first	true 1
settle	true
interval	true 1 2 rt.interval (every 0.001 s, 2 ticks)
misuse	true false bad argument #1 to 'interval' (a period above 0 expected)
serve	true answer
]]):gmatch("[^\n]+")
    do
      assert.truthy(
        ("\n" .. out):find("\n" .. line .. "\n", 1, true),
        line .. " is not in:\n" .. out
      )
    end
  end)
end)

describe("rt", function()
  it("loads what is written in Lua at first use", function()
    prints("spawned\n2\ttrue\ttrue\ntrue\ntrue\tnil\ntrue\n", kit.program("first_use"))
  end)

  it("can be in package.preload as a whole", function()
    prints("2\t=packed rt.scope\n", kit.program("preloaded"))
  end)
end)

--- The globals that functions of a Lua file read when they are called, not when the file is loaded.
local function read_when_called(pending, path)
  kit.needs(pending, "luac5.4")
  local code, listing = kit.shell("luac5.4 -l -l -p " .. path)
  assert.equal(0, code)
  local found, is_main = {}, false
  for line in listing:gmatch("[^\n]+") do
    if line:find("^main <") or line:find("^function <") then
      is_main = line:find("^main") ~= nil
    end
    local name = not is_main and line:match('_ENV "([%w_]+)"')
    found[#found + 1] = name or nil
  end
  return found
end

describe("the Lua files of rt:", function()
  for _, name in ipairs { "init", "map", "retry", "scope", "task", "tcp", "time" } do
    it(name .. ".lua reads no global when a function is called", function()
      assert.same({}, read_when_called(pending, "lua/rt/" .. name .. ".lua"))
    end)
  end

  it("these are all, and a function that reads a global is found", function()
    local _, files = kit.shell("ls lua/rt | tr '\\n' ' '")
    assert.equal(
      "builder.lua init.lua map.lua retry.lua scope.lua task.lua tcp.lua time.lua ",
      files
    )
    local path =
      kit.file("local x = math return function() return function() return x, pcall end end")
    assert.same({ "pcall" }, read_when_called(pending, path))
  end)
end)
