--- rt-lua compared with the stock interpreter: messages and exit code when a script fails.
local kit = require("kit")
local stock = require("stock")

local all_same, run_as, same = stock.all_same, stock.run_as, stock.same

stock.copy("deep", "long", "task")
stock.write {
  ["syntax.lua"] = "print('never')\nlocal x = = 1\n",
}

describe("rt-lua does as lua: errors:", function()
  local cases = {
    ["a syntax error in -e"] = "lua -e 'x ='",
    ["a syntax error in a script"] = "lua syntax.lua",
    ["a syntax error on stdin, with -"] = "echo 'x = = 1' | lua -",
    ["a traceback"] = "lua deep.lua",
    ["a traceback on stdin, with -"] = "lua - <deep.lua",
    ["a long traceback"] = "lua long.lua",
    ["out of a coroutine"] = "lua -e 'coroutine.wrap(function() error(\"inside\") end)()'",
    ["out of a coroutine's coroutine"] = "lua -e 'local w = coroutine.wrap w(function() w(function() error{} end)() end)()'",
    ["in xpcall"] = 'lua -e \'print(xpcall(error, function(m) return "handled " .. m end, "x"))\'',
    ["in the handler of xpcall"] = "lua -e 'print(xpcall(error, function(m) error(m) end, \"x\"))'",
    ["a recursion without end"] = "lua -e 'local function f() return 1 + f() end f()'",
    ["a recursion through C"] = 'lua -e \'local function f() return (string.gsub("x", "x", f)) end f()\'',
    ["in __close"] = "lua -e 'local x <close> = setmetatable({}, {__close = function() error(\"closing\") end})'",
    ["in __close, after another"] = 'lua -e \'local x <close> = setmetatable({}, {__close = function(_, e) error(e .. "+") end}) error("a")\'',
    ["in a finalizer"] = "lua -W -e 'setmetatable({}, {__gc = function() error(\"final\") end}) collectgarbage()'",
    ["in a finalizer at the end"] = "lua -W -e 'x = setmetatable({}, {__gc = function() error(\"final\") end})'",
    ["an error does not keep later finalizers from running"] = "lua -e 'x = setmetatable({}, {__gc = function() print(\"gone\") end}) error(1)'",
    ["a failed assert"] = "lua -e 'assert(false)'",
    ["a failed assert with a table"] = "lua -e 'assert(nil, {})'",
    ["a bad argument"] = "lua -e '(\"x\"):rep({})'",
    ["without memory"] = "lua -e 'local s = string.rep(\"x\", 1 << 40)'",
  }
  local objects = {
    "{}",
    "nil",
    "true",
    "false",
    "42",
    "4.5",
    "-0.0",
    "'text'",
    "'text', 0",
    "'text', 2",
    "''",
    "print",
    "coroutine.create(print)",
    "io.stdout",
    "setmetatable({}, {__name = 'Name'})",
    "setmetatable({}, {__tostring = function() return 'a text' end})",
    "setmetatable({}, {__tostring = function() return 17 end})",
    "setmetatable({}, {__tostring = function() return {} end})",
    "setmetatable({}, {__tostring = function() error('in it') end})",
    "setmetatable({}, {__tostring = 1})",
    "'line 1\\nline 2'",
    "'zero \\0 inside'",
  }
  for _, object in ipairs(objects) do
    cases["the object " .. object] = "lua -e " .. kit.quote("error(" .. object .. ")")
  end
  all_same(it, cases)

  it("a script on stdin that fails gives 1 (with lua, only one called - does)", function()
    local answer = same("echo 'error(1)' | lua", function(answer, which)
      return { code = which == "stock" and 1 or answer.code, out = answer.out, err = answer.err }
    end)
    assert.equal(1, answer.code)
  end)

  it("an error that came out of a task says where from", function()
    local code, out, err = run_as("rt", "lua task.lua")
    assert.same({ 1, "" }, { code, out })
    assert.equal(
      [[
lua: task.lua:5: boom
stack traceback:
	[C]: in method 'join'
	task.lua:11: in main chunk
	[C]: in ?
in task 1 (worker), spawned at task.lua:7
stack traceback:
	[C]: in function 'error'
	task.lua:5: in upvalue 'fail'
	task.lua:8: in function <task.lua:7>
	[C]: in ?
]],
      err
    )
  end)
end)

describe("rt-lua does as lua: the end:", function()
  local cases = {
    ["os.exit flushes"] = "lua -e 'io.write(\"x\") os.exit()'",
    ["os.exit leaves finalizers alone"] = "lua -e 'x = setmetatable({}, {__gc = function() print(1) end}) os.exit(0)'",
    ["os.exit with close runs finalizers"] = "lua -e 'x = setmetatable({}, {__gc = function() print(1) end}) os.exit(0, true)'",
    ["os.exit with close closes variables"] = "lua -e 'local x <close> = setmetatable({}, {__close = function() print(1) end}) os.exit(4, true)'",
    ["os.exit inside of pcall"] = "lua -e 'pcall(os.exit, 5)'",
    ["os.exit with close, inside of pcall"] = "lua -e 'pcall(os.exit, 5, true)'",
    ["os.exit inside of a coroutine"] = "lua -e 'coroutine.wrap(os.exit)(6)'",
    ["os.exit in LUA_INIT"] = "LUA_INIT='os.exit(7)' lua -e 'print(1)'",
    ["finalizers run newest first"] = "lua -e 'for i = 1, 3 do _G[i] = setmetatable({}, {__gc = function() print(i) end}) end'",
    ["a finalizer at the end may print and allocate"] = "lua -e 'x = setmetatable({}, {__gc = function() local t = {} for i = 1, 1e5 do t[i] = {} end print(#t) end})'",
  }
  for _, arguments in ipairs {
    "",
    "true",
    "false",
    "nil",
    "0",
    "3",
    "255",
    "256",
    "-1",
    "2, true",
    "true, true",
    "false, true",
    "nil, true",
    "2, false",
    "2.0",
    "2.5",
    "'x'",
    "'12'",
    "{}",
  } do
    cases["os.exit(" .. arguments .. ")"] = "lua -e "
      .. kit.quote("print(1) os.exit(" .. arguments .. ")")
  end
  all_same(it, cases)

  it("a reader that has gone ends it by SIGPIPE, as it does lua", function()
    local answer = same("{ lua -e 'while true do print(\"x\") end'; echo $? >&2; } | head -n 1")
    assert.same({ code = 0, out = "x\n", err = "141\n" }, answer)
  end)

  it("a reader that has gone ends it by SIGPIPE, sockets or not", function()
    local script = 'local rt = require "rt"; local s = rt.tcp.listen("127.0.0.1", 0)'
      .. ' while true do print("x") rt.yield() end'
    local _, out, err = run_as("rt", "{ lua -e '" .. script .. "'; echo $? >&2; } | head -n 1")
    assert.same({ "x\n", "141\n" }, { out, err })
  end)

  it("a large output arrives", function()
    local answer = same("lua -e 'for i = 1, 3e6 do io.write(i, \" lines\\n\") end' | cksum")
    assert.matches("^%d+ %d+\n$", answer.out)
  end)

  all_same(it, {
    ["output that cannot be written"] = "lua -e 'print(io.write(\"x\"):flush())' >/dev/full",
    ["stdout is closed"] = "lua -e 'print(1) io.stderr:write(tostring(io.write(\"x\")))' >&-",
    ["stdin is closed"] = "lua -e 'print(io.read())' <&-",
    ["stderr is closed"] = "lua -e 'error(1)' 2>&-",
    ["all are closed"] = "lua -e 'error(1)' <&- >&- 2>&-",
    ["bytes of all kinds"] = "lua -e 'for i = 0, 255 do io.write(string.char(i)) end' | od -c",
  })
end)
