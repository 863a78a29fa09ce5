--- With warnings on, Lua warns of a function that runs in another worker and assigns to an upvalue.
local kit = require("kit")

local prefix = "Lua warning: rt: "
local text =
  ": a function that runs in another worker assigns to the upvalue '%s', which changes only its copy"

--- Runs a program with warnings on; returns the line and the name in each warning, as "line name".
local function warned(program, ...)
  local code, out, err = kit.run(program, ...)
  assert.equal(0, code, err)
  local list = {}
  for line in err:gmatch("[^\n]+") do
    local number, name =
      line:match("^Lua warning: rt: [^\n]-:(%d+): a function .* upvalue '(.-)', ")
    assert.truthy(number, line)
    list[#list + 1] = number .. " " .. name
  end
  return list, out, err
end

describe("with warnings on, a function that assigns to an upvalue", function()
  local function of(body)
    return (warned('warn("@on") local rt = require("rt") ' .. body))
  end

  it("is told: the file, the line, the name", function()
    local path =
      kit.file('local rt, n = require("rt"), 0\nrt.spawn(function()\n  n = n + 1\nend):join()\n')
    local code, out, err = kit.shell(("exec env %s %s -W %s"):format(kit.host_env, kit.host, path))
    assert.same({ 0, "" }, { code, out })
    local expected = prefix .. path .. ":3" .. text:format("n") .. "\n"
    assert.equal(expected, err)
  end)

  it("however it is given to another worker, and not if it stays in this state", function()
    local path = kit.program("all_that_run_elsewhere")
    local list, out = warned('warn("@on") dofile(' .. ("%q"):format(path) .. ")")
    local names = {}
    for i, entry in ipairs(list) do
      names[i] = entry:match("%S+$")
    end
    table.sort(names)
    assert.equal(
      "blocking call each map named preload scope scoped_blocking serve spawn",
      table.concat(names, " ")
    )
    assert.matches("^nil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\n1\t2\t1\t1\t1\n", out)
  end)

  it("is told once, however often it is sent, also as a new closure", function()
    assert.same(
      { "2 n" },
      of([[local n = 0
      local function make() return function() n = n + 1 end end
      local f = make()
      for _ = 1, 20 do rt.spawn(f):join() rt.spawn(make()):join() end]])
    )
  end)

  it("has the first line of each upvalue, in functions within it, too", function()
    assert.same(
      { "4 a", "6 b" },
      of([[local a, b, c, d = 1, 2, 3, 4
      rt.spawn(function()
        local function inner()
          a = c return function(d)
            d = 1
            b = d a = 2
          end
        end
        a, b = inner, c
      end):join()]])
    )
  end)

  it("is not told if it is only used, or if the variable is the function's own", function()
    assert.same(
      {},
      of([[local n, t, ch, dict = 0, {}, rt.channel(1), rt.dict()
      rt.spawn(function(p)
        local own, g = n, 0
        local function f() own = own + 1 p = 2 g = t end
        f()
        t.x, t[1] = n, own
        ch:send(n)
        ch:recv()
        dict:set("x", n)
        x = g
        for i = 1, 2 do rt.yield(function() i = 2 end) end
        local _ENV = { x = 1 }
        x = 2
        local function env() _ENV = {} end
        env()
      end):join()
      ch:send(function() n = 1 end)
      rt.spawn(pcall, function() n = 2 end):join()]])
    )
  end)

  it("is not told if what it assigns to is _ENV, or if a module holds it", function()
    assert.same(
      {},
      of([[local source = "local n = 0 return { add = function() n = n + 1 end }"
      package.preload.counting = load(source)
      rt.preload(function() package.preload.counting = load(source) end)
      rt.spawn(require("counting").add):join()
      rt.spawn(function() _ENV = {} end):join()
      rt.spawn(math.max, 1):join()]])
    )
  end)

  it("may be without debug information", function()
    assert.same(
      { "3 (no name)" },
      of([[local text = "\n\nlocal n = 0 return function() n = 1 end"
      rt.spawn(load(string.dump(load(text)(), true))):join()]])
    )
  end)

  it("is not told while warnings are off", function()
    assert.same({}, of([[warn("@off") local n rt.spawn(function() n = 1 end):join()]]))
    assert.same({}, (warned('local rt, n = require("rt") rt.spawn(function() n = 1 end):join()')))
  end)
end)
