--- `require`: in the main chunk as in the stock interpreter, and in tasks, where a module may wait
--- while it loads.
local kit = require("kit")
local stock = require("stock")

stock.copy("depth", "waits", "waits_joins")
stock.write {
  ["mod.lua"] = "return { name = ..., where = select(2, ...), n = select('#', ...) }\n",
  ["sub/inner.lua"] = "return { inner = ..., where = select(2, ...) }\n",
  ["false.lua"] = "loads = (loads or 0) + 1; return false\n",
  ["none.lua"] = "loads = (loads or 0) + 1\n",
  ["nil.lua"] = "return nil\n",
  ["enters.lua"] = "package.loaded[...] = 'entered'\n",
  ["two.lua"] = "return 'first', 'second'\n",
  ["fails.lua"] = "local function inner() error('module fails') end\ninner()\n",
  ["fails2.lua"] = "error('to the caller', 2)\n",
  ["fails_table.lua"] = "error({ code = 7 })\n",
  ["syntax.lua"] = "print('never')\nlocal x = = 1\n",
  ["circle1.lua"] = "return require 'circle2'\n",
  ["circle2.lua"] = "return require 'circle1'\n",
  ["requirer.lua"] = "local m = require 'fails'\nreturn m\n",
  ["waits_outer.lua"] = "local m = require 'waits'; require('rt').yield() return { inner = m.name }\n",
  ["waits_circle1.lua"] = "require('rt').yield() return require 'waits_circle2'\n",
  ["waits_circle2.lua"] = "require('rt').yield() return require 'waits_circle1'\n",
  ["waits_self.lua"] = "return (require('rt').run(require, 'waits_self'))\n",
  ["waits_fails.lua"] = "require('rt').sleep(0.001)\nerror('after a wait')\n",
}

describe("rt-lua does as lua: require:", function()
  local function lua(text)
    return "lua -e " .. kit.quote(text)
  end
  stock.all_same(it, {
    ["the module and where it was found"] = lua(
      "print(select('#', require 'mod'), select(2, require 'mod')) print(require 'mod')"
    ),
    ["what it is called with"] = lua("local m = require 'sub.inner' print(m.inner, m.where)"),
    ["once loaded, it is not loaded again"] = lua("print(require 'none', require 'none', loads)"),
    ["one that returns false is loaded each time"] = lua(
      "print(require 'false', require 'false', loads)"
    ),
    ["one that returns nil is true"] = lua("print(require 'nil', package.loaded['nil'])"),
    ["one that returns two values"] = lua("print(require 'two') print(require 'two')"),
    ["one that enters itself"] = lua("print(require 'enters', package.loaded.enters)"),
    ["package.loaded comes first"] = lua("package.loaded.mod = 7 print(require 'mod')"),
    ["package.loaded has false"] = lua("package.loaded.mod = false print(require('mod').name)"),
    ["package.preload"] = lua(
      "package.preload.x = function(...) print(...) return 1 end print(require 'x')"
    ),
    ["package.preload before a file"] = lua(
      "package.preload.mod = function() return 1 end print(require 'mod')"
    ),
    ["package.preload of no function"] = lua("package.preload.x = 1 print(pcall(require, 'x'))"),
    ["not found"] = lua("require 'nosuch.module'"),
    ["not found, in pcall"] = lua("print(pcall(require, 'nosuch'))"),
    ["not found, in a function"] = lua("local function f() require 'nosuch' end f()"),
    ["a searcher's words"] = lua(
      "table.insert(package.searchers, function() return 'my words' end) require 'nosuch'"
    ),
    ["a searcher that says a number"] = lua(
      "table.insert(package.searchers, 1, function() return 12 end) require 'nosuch'"
    ),
    ["a searcher that says nothing"] = lua(
      "package.searchers = {function() end, function() return nil, 1 end} require 'nosuch'"
    ),
    ["a searcher that says something odd"] = lua(
      "package.searchers = {function() return {} end} require 'nosuch'"
    ),
    ["a searcher that finds"] = lua(
      "package.searchers[2] = function() return print, 'data' end print(require 'q')"
    ),
    ["a searcher that finds without data"] = lua(
      "package.searchers[2] = function() return print end print(require 'q')"
    ),
    ["a searcher that fails"] = lua(
      "package.searchers[1] = function() error('searching') end require 'x'"
    ),
    ["a searcher that is no function"] = lua("package.searchers[1] = 5 require 'x'"),
    ["no searchers"] = lua("package.searchers = {} require 'x'"),
    ["package.searchers is no table"] = lua("package.searchers = nil require 'x'"),
    ["package.path is no string"] = lua("package.path = nil require 'x'"),
    ["package was replaced"] = lua("package = nil print(require('mod').name)"),
    ["a loader that can be called is no function"] = lua(
      "package.searchers[1] = function() return setmetatable({}, {__call = print}) end print(require('mod').name)"
    ),
    ["an error in the module"] = lua("require 'fails'"),
    ["an error in the module, in pcall"] = lua(
      "print(pcall(require, 'fails')) print(package.loaded.fails)"
    ),
    ["an error at level 2 in the module"] = lua("require 'fails2'"),
    ["an error object from the module"] = lua(
      "print(select(2, pcall(require, 'fails_table')).code)"
    ),
    ["an error in a module's module"] = lua("require 'requirer'"),
    ["a syntax error in the module"] = lua("require 'syntax'"),
    ["a circle"] = lua("require 'circle1'"),
    ["a circle, in pcall, and life goes on"] = lua(
      "print(pcall(require, 'circle1')) print(require('mod').name)"
    ),
    ["a number for a name"] = lua(
      "package.preload['12'] = function(n) return math.type(n) or type(n) end print(require(12))"
    ),
    ["no name"] = lua("require()"),
    ["a table for a name"] = lua("require {}"),
    ["as a method"] = lua("local t = {r = require} t:r('x')"),
    ["what a module sees of its callers"] = lua(
      "local function f() return (require 'depth') end print(f())"
    ),
    ["what it is"] = lua("local i = debug.getinfo(require) print(i.what, i.short_src, i.nups)"),
    ["a name with a hyphen"] = lua("print(pcall(require, 'v1-nosuch'))"),
    ["inside of a coroutine"] = lua(
      "print(coroutine.wrap(function() return require 'mod' end)().name)"
    ),
    ["in a table.sort"] = lua(
      "table.sort({1, 2}, function(a, b) name = require('mod').name return a < b end) print(name)"
    ),
  })

  --- Runs a command in rt-lua, which must succeed. Returns what it printed.
  local function works(command)
    local code, out, err = stock.run_as("rt", command)
    assert.same({ 0, "" }, { code, err })
    return out
  end

  local function works_program(name)
    stock.copy(name)
    return works("lua " .. name .. ".lua")
  end

  local function works_line(text)
    return works(lua("local rt = require 'rt' " .. text))
  end

  it("whoever requires a module that another task loads waits for that", function()
    assert.equal("true\t1\n", works_program("require_in_three_tasks"))
    assert.equal("true\t1\n", works_program("require_in_task_and_main"))
    assert.equal("from the pool\ttrue\n", works_program("require_of_one_that_joins"))
  end)

  it("… and gets its error; if it was only cancelled, it loads the module itself", function()
    assert.equal("true\ttrue\n", works_program("error_for_both"))
    assert.equal("cancelled\tcancelled\twaits\t1\n", works_program("two_of_three_are_cancelled"))
  end)

  it("modules that wait and require each other in a circle are refused", function()
    assert.equal("false\tfalse\tfalse\tfalse\n", works_program("circles_of_waiting_modules"))
  end)

  it("a module may wait while it loads, and other tasks run meanwhile", function()
    assert.equal("other\nwaits\t./waits.lua\t./waits.lua\n", works_program("other_task_meanwhile"))
  end)

  it(
    "a module may wait in the main chunk, in a module's module, in a coroutine of a task",
    function()
      assert.equal("waits\n", works_line("print(require('waits').name)"))
      assert.equal("waits\n", works_line("print(rt.run(require, 'waits_outer').inner)"))
      assert.equal(
        "waits\n",
        works_line(
          "print(rt.run(coroutine.wrap(function() return require 'waits_outer' end)).inner)"
        )
      )
      assert.equal(
        "waits\n",
        works_line("print(select(2, rt.run(pcall, require, 'waits_outer')).inner)")
      )
    end
  )

  it("a module may wait in a loader of package.preload and in a searcher", function()
    assert.equal("preloaded\tfound\n", works_program("loaders_that_wait"))
  end)

  it("a module that fails after a wait raises, and can be tried again", function()
    assert.equal("false\tfalse\tnil\n", works_program("failed_module_again"))
  end)

  it("a task that is cancelled while a module loads leaves it unloaded", function()
    assert.equal("cancelled\tnil\twaits\n", works_program("cancelled_while_loading"))
  end)

  it("where a module cannot wait, it is told whose fault that is", function()
    assert.matches(
      "^false\t%./waits%.lua:4: cannot wait here: 'table%.sort', a C function,",
      works_line([[print(rt.run(pcall, table.sort, { 1, 2 }, function() require "waits" end))]])
    )
  end)

  it("a circle in a task ends as one in the main chunk", function()
    assert.equal(
      "false\ttrue\n",
      works_line([[
        local ok, message = rt.run(pcall, require, "circle1")
        print(ok, message:find("C stack overflow", 1, true) ~= nil)
      ]])
    )
  end)
end)

describe('require "rt"', function()
  it("says in one sentence that this is another Lua", function()
    local code, out, err = kit.run([[
      _VERSION = "Lua 5.1"
      print(select(2, pcall(require, "rt")))
      jit = { version = "LuaJIT 2.1.0-beta3" }
      print(select(2, pcall(require, "rt")))
    ]])
    local form = "rt needs Lua 5.4, and this is %s\n"
    assert.equal(form:format("Lua 5.1") .. form:format("LuaJIT 2.1.0-beta3"), out .. err)
    assert.equal(0, code)
  end)
end)
