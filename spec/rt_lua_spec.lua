--- rt-lua beside the stock interpreter: the same command lines, the same answers.
local kit = require("kit")
local rt = require("rt")
local sorted = require("pl.tablex").sort -- as pairs, in the order of the keys

local function output_of(command)
  local p = assert(io.popen(command))
  local text = p:read("a")
  p:close()
  return (text:gsub("%s+$", ""))
end

local stock = output_of("command -v lua5.4 || command -v lua")
local own = output_of("readlink -f " .. kit.quote(kit.build))

--- Both are called "lua", each in a folder of its own: what they print need not be adjusted.
local bin = {}
for name, program in pairs { rt = kit.rt_lua, stock = stock } do
  bin[name] = kit.dir() .. "/" .. name
  assert(
    os.execute(("mkdir %s && ln -s %s %s/lua"):format(bin[name], kit.quote(program), bin[name]))
  )
end

local work = kit.dir() .. "/work"
assert(os.execute("mkdir -p " .. work .. "/sub"))

local function write(files)
  for name, text in pairs(files) do
    local f = assert(io.open(work .. "/" .. name, "w"))
    f:write(text)
    f:close()
  end
end

local clean = "cd "
  .. work
  .. "; unset LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 LUA_INIT LUA_INIT_5_4 LD_PRELOAD; "

--- Runs a command in which `lua` is one of the two: exit code, stdout, stderr.
local function run_as(which, command)
  return kit.shell(clean .. "PATH=" .. bin[which] .. ":$PATH; " .. command)
end

local function plain(text)
  return (text:gsub("%p", "%%%0"))
end

--- rt-lua looks for modules beside itself, too.
local function without_own_places(text)
  text = text:gsub("\n\tno file '" .. plain(own) .. "/[^']*'", "")
  return (text:gsub(plain(own) .. "/[^;\n]*;", ""))
end

--- What differs from run to run, or with how deep on the C stack the main chunk is.
local function without_numbers(text)
  return (text:gsub("0x%x+", "0x"):gsub("skipping %d+ levels", "skipping levels"))
end

local function same(command, adjust)
  local answers = {}
  for _, which in ipairs { "stock", "rt" } do
    local code, out, err = run_as(which, command)
    local answer = { code = code, out = without_numbers(out), err = without_numbers(err) }
    if which == "rt" then
      answer.out = without_own_places(answer.out)
      answer.err = without_own_places(answer.err)
    end
    answers[which] = adjust and adjust(answer, which) or answer
  end
  assert.not_equal(124, answers.stock.code)
  assert.same(answers.stock, answers.rt)
  return answers.rt
end

local function all_same(cases)
  for title, command in sorted(cases) do
    it(title, function()
      same(command)
    end)
  end
end

write {
  ["args.lua"] = [[
    print(select("#", ...), ...)
    local lowest = 0
    while arg[lowest - 1] do lowest = lowest - 1 end
    for i = lowest, #arg do print(i, arg[i]) end
  ]],
  ["bang.lua"] = "#!/usr/bin/env lua\nprint(debug.getinfo(1, 'l').currentline)\nerror('here')\n",
  ["executable"] = "#!/usr/bin/env lua\nprint(arg[0], ...)\n",
  ["bang_wrong.lua"] = "#!/usr/bin/env lua\nlocal = 1\n",
  ["bom.lua"] = "\xEF\xBB\xBF# a comment\nprint('after a mark', debug.getinfo(1, 'l').currentline)\n",
  ["init.lua"] = "from_init = 'init.lua'; print('init', ...)\n",
  ["empty.lua"] = "",
  ["syntax.lua"] = "print('never')\nlocal x = = 1\n",
  ["deep.lua"] = [[
    local function third(x) error("deep " .. x) end
    local function second(x) third(x) return 1 end
    function first(x) second(x) return 1 end
    first(1)
  ]],
  ["long.lua"] = [[
    local function down(n)
      if n == 0 then error("bottom") end
      down(n - 1)
      return n
    end
    down(60)
  ]],
  ["-"] = "print('a file called -', ...)\n",
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
  ["circle1.lua"] = "return require 'circle2'\n",
  ["circle2.lua"] = "return require 'circle1'\n",
  ["requirer.lua"] = "local m = require 'fails'\nreturn m\n",
  ["depth.lua"] = [[
    local t = {}
    for level = 1, 4 do
      local info = debug.getinfo(level, "Sl")
      t[#t + 1] = info and info.what .. ":" .. info.currentline or "-"
    end
    return table.concat(t, " ")
  ]],
  ["waits.lua"] = [[
    local rt = require "rt"
    rt.sleep(0.02)
    loads = (loads or 0) + 1
    return { name = ..., where = select(2, ...) }
  ]],
  ["waits_joins.lua"] = [[
    local rt = require "rt"
    return rt.spawn(function()
      rt.sleep(0.02)
      return { name = "from the pool" }
    end):join()
  ]],
  ["waits_outer.lua"] = "local m = require 'waits'; require('rt').yield() return { inner = m.name }\n",
  ["waits_circle1.lua"] = "require('rt').yield() return require 'waits_circle2'\n",
  ["waits_circle2.lua"] = "require('rt').yield() return require 'waits_circle1'\n",
  ["waits_self.lua"] = "return (require('rt').run(require, 'waits_self'))\n",
  ["waits_fails.lua"] = "require('rt').sleep(0.001)\nerror('after a wait')\n",
}

describe("rt-lua does as lua: options:", function()
  all_same {
    ["-e"] = "lua -e 'print(1)'",
    ["-e without a blank"] = "lua -e'print(1, #arg, arg[0], arg[1], arg[-1])'",
    ["-e several times shares globals, not locals"] = "lua -e 'x = 1; local y = 2' -e 'print(x, y)' -e 'print(x)'",
    ["-e of nothing"] = "lua -e ''",
    ["-e and then a script"] = "lua -e 'x = 1' -W args.lua a b",
    ["-e stops at the first error"] = "lua -e 'print(1)' -e 'error(2)' -e 'print(3)' args.lua",
    ["-l"] = "lua -l mod -e 'print(mod.name, mod.where, mod.n)'",
    ["-l without a blank"] = "lua -lmod -e 'print(mod.name)'",
    ["-l into another global"] = "lua -l g=mod -e 'print(g.name, mod, arg[2])'",
    ["-l in the order of the line"] = "lua -e 'print(mod)' -l mod -e 'print(mod.name)'",
    ["-l of what is not there"] = "lua -l nosuch -e 'print(1)'",
    ["-l of what fails"] = "lua -l fails -e 'print(1)'",
    ["-l of what has a syntax error"] = "lua -l syntax -e 'print(1)'",
    ["-l of a library"] = "lua -l string -l s=string -e 'print(s == string)'",
    ["-v"] = "lua -v",
    ["-v and -e"] = "lua -v -e 'print(1)'",
    ["-v and a script"] = "lua -v args.lua",
    ["-v and a script on stdin that is not read"] = "echo 'print(1)' | lua -v",
    ["-W"] = 'lua -W -e \'warn("one ", "two") warn("@off") warn("three")\'',
    ["-W after -e"] = "lua -e 'warn(\"one\")' -W -e 'warn(\"two\")'",
    ["--"] = "lua -- args.lua -e x",
    ["-- and nothing"] = "echo 'print(...)' | lua --",
    ["-- and a file called -"] = "lua -- - a",
    ["-"] = "lua - a b <args.lua",
    ["- after options"] = "lua -W -e 'x = 1' - a <args.lua",
    ["a script on stdin has no arguments"] = "lua <args.lua",
    ["a script on stdin has no arguments, whatever the options"] = "lua -W -E <args.lua",
    ["an option after the script is the script's"] = "lua args.lua -v -e 'print(1)' --help",
    ["options that are not joined"] = "lua -W -E -v -e 'print(1)'",
  }

  local wrong =
    { "-x", "--nosuch", "-vv", "-Ex", "-W1", "-i1", "-e", "-l", "-e -v", "-l -e 1", "-W -e", "---" }
  for _, options in ipairs(wrong) do
    it("refuses " .. options, function()
      local answer = same("lua " .. options, function(answer, which)
        local first, usage = answer.err:match("^([^\n]*\n)(usage: lua .*)$")
        if which == "rt" then
          assert.matches("%-l g=mod .*%-%-help", usage)
        end
        return { code = answer.code, out = answer.out, err = first }
      end)
      assert.equal(1, answer.code)
    end)
  end

  it("--help and --version are its own", function()
    local code, out, err = run_as("rt", "lua --help")
    assert.same({ 0, "" }, { code, err })
    assert.matches("^usage: lua %[options%] %[script %[args%]%]\n", out)
    code, out, err = run_as("rt", "lua --version")
    assert.same({ 0, "" }, { code, err })
    assert.matches("^rt%-lua %d+%.%d+%.%d+, Lua 5%.4%.%d+, libuv 1%.%d+%.%d+\n$", out)
  end)
end)

describe("rt-lua does as lua: scripts:", function()
  all_same {
    ["arguments"] = "lua args.lua a 'b c' '' -e",
    ["arguments below zero"] = "lua -W -e 'z = 1' args.lua x",
    ["without arguments"] = "lua args.lua",
    ["thousands of arguments"] = "lua args.lua $(seq 5000)",
    ["more arguments than a stack can hold"] = "lua -e 'for i = 1, 2000000 do arg[i] = i end' args.lua",
    ["arg was changed before"] = "lua -e 'arg[1] = 17; arg[2] = {} and 18' args.lua x",
    ["arg was removed before"] = "lua -e 'arg = nil' args.lua x",
    ["a first line with #!"] = "lua bang.lua",
    ["a first line with #! that starts it"] = "chmod +x executable && ./executable a b",
    ["a first line with #!, and a syntax error after it"] = "lua bang_wrong.lua",
    ["a byte order mark"] = "lua bom.lua",
    ["an empty file"] = "lua empty.lua",
    ["compiled"] = 'lua -e \'io.open("args.luac", "wb"):write(string.dump(loadfile "args.lua"))\' && lua args.luac x',
    ["that is not there"] = "lua nosuch.lua",
    ["that is a folder"] = "lua sub",
    ["in another folder"] = "cd sub; lua ../args.lua x",
    ["on stdin that reads on"] = "printf 'print(1)\\nprint(io.read())\\n' | lua",
    ["that reads stdin"] = "seq 100000 | lua -e 'local n = 0 for l in io.lines() do n = n + l end print(n)'",
    ["that reads all of stdin"] = "seq 100000 | lua -e 'print(#io.read(\"a\"))'",
    ["that reads an empty stdin"] = "lua -e 'print(io.read())' </dev/null",
    ["that has a line of a megabyte"] = "{ printf 'local s = \"'; head -c 1000000 /dev/zero | tr '\\0' x;"
      .. " printf '\" print(#s)'; } | lua -",
    ["the main chunk is the main thread"] = "lua -e 'print(select(2, coroutine.running()), coroutine.isyieldable())'",
    ["a yield outside of coroutines"] = "lua -e 'coroutine.yield(1)'",
    ["other programs"] = 'lua -e \'print(os.execute("exit 3")) print(os.execute("kill $$")) print(os.execute())\'',
    ["other programs' output"] = 'lua -e \'local p = io.popen("echo hi; exit 4") print(p:read("a"), p:close())\'',
    ["other programs' input"] = 'lua -e \'local p = io.popen("cat", "w") p:write("hi\\n") print(p:close())\'',
  }

  it(
    "its collector is incremental (lua's is generational, which looks at every coroutine each time)",
    function()
      assert.same(
        { 0, "incremental\n", "" },
        { run_as("rt", "lua -e 'print(collectgarbage(\"incremental\"))'") }
      )
    end
  )
end)

describe("rt-lua does as lua: the environment:", function()
  all_same {
    ["LUA_INIT"] = "LUA_INIT='print(1, ...)' lua -e 'print(2)'",
    ["LUA_INIT before a script"] = "LUA_INIT='x = 5' lua -e 'print(x)' args.lua a",
    ["LUA_INIT_5_4 comes first"] = "LUA_INIT='print(1)' LUA_INIT_5_4='print(2)' lua -e 'print(3)'",
    ["LUA_INIT_5_4 of nothing"] = "LUA_INIT='print(1)' LUA_INIT_5_4= lua -e 'print(3)'",
    ["LUA_INIT from a file"] = "LUA_INIT=@init.lua lua -e 'print(from_init)'",
    ["LUA_INIT_5_4 from a file"] = "LUA_INIT_5_4=@init.lua lua args.lua x",
    ["LUA_INIT from a file that is not there"] = "LUA_INIT=@nosuch.lua lua -e 'print(1)'",
    ["LUA_INIT that fails"] = "LUA_INIT='error(\"no\")' lua -e 'print(1)'",
    ["LUA_INIT_5_4 that fails"] = "LUA_INIT_5_4='local x <const> = 1; x = 2' lua -e 'print(1)'",
    ["LUA_INIT sees arg"] = "LUA_INIT='print(arg[0], arg[1], arg[-1])' lua args.lua a",
    ["LUA_INIT and -v"] = "LUA_INIT='print(1)' lua -v",
    ["LUA_INIT and -i"] = "echo 'print(2)' | LUA_INIT='print(1)' lua -",
    ["-E: no LUA_INIT"] = "LUA_INIT='print(1)' LUA_INIT_5_4='print(2)' lua -E -e 'print(3)'",
    ["-E: no LUA_PATH"] = "LUA_PATH='./sub/?.lua' LUA_CPATH=./x lua -E -e 'print(package.path, package.cpath)'",
    ["-E in the middle"] = "LUA_INIT='print(1)' lua -W -E -e 'print(3)'",
    ["LUA_PATH"] = "LUA_PATH='./sub/?.lua' lua -e 'print(require(\"inner\").where)'",
    ["LUA_PATH_5_4 comes first"] = "LUA_PATH='./x' LUA_PATH_5_4='./sub/?.lua' lua -e 'print(require(\"inner\").where)'",
    ["LUA_PATH with ;; at the end"] = "LUA_PATH='./sub/?.lua;;' lua -e 'print(package.path, require(\"inner\").where)'",
    ["LUA_PATH with ;; at the front"] = "LUA_PATH=';;./sub/?.lua' lua -e 'print(package.path, require(\"inner\").where)'",
    ["LUA_PATH with ;; within"] = "LUA_PATH='./a/?.lua;;./b/?.lua' lua -e 'print(package.path)'",
    ["LUA_CPATH with ;;"] = "LUA_CPATH='./a/?.so;;./b/?.so' lua -e 'print(package.cpath)'",
    ["LUA_CPATH_5_4"] = "LUA_CPATH='./a/?.so' LUA_CPATH_5_4='./b/?.so;;' lua -e 'print(package.cpath)'",
    ["nothing is set"] = "lua -e 'print(package.path, package.cpath, package.config)'",
  }

  it("its own modules are found after those of LUA_PATH, before the defaults", function()
    local show = "lua -e 'print(package.path) print(package.cpath)'"
    local _, out = run_as("rt", "LUA_PATH='./sub/?.lua;;' LUA_CPATH='./sub/?.so;;' " .. show)
    local _, theirs = run_as("stock", show)
    local path, cpath = theirs:match("^(.-)\n(.-)\n$")
    local expected = "./sub/?.lua;OWN/?.lua;OWN/?/init.lua;"
      .. path
      .. "\n./sub/?.so;OWN/?.so;"
      .. cpath
      .. "\n"
    assert.equal(expected:gsub("OWN", own), out)
  end)

  it("its own modules are found even if LUA_PATH leaves the defaults out, and then last", function()
    local _, out, err =
      run_as("rt", "LUA_PATH='./sub/?.lua' lua -e 'print(package.path, require(\"rt\").version)'")
    assert.equal(
      ("./sub/?.lua;%s/?.lua;%s/?/init.lua\t%s\n"):format(own, own, rt.version),
      out .. err
    )
  end)

  it("its own modules are not listed twice", function()
    local _, out = run_as(
      "rt",
      ("LUA_PATH='%s/?.lua;%s/?/init.lua' lua -e 'print(package.path)'"):format(own, own)
    )
    assert.equal(("%s/?.lua;%s/?/init.lua\n"):format(own, own), out)
  end)
end)

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
  all_same(cases)

  it("a script on stdin that fails gives 1 (with lua, only one called - does)", function()
    local answer = same("echo 'error(1)' | lua", function(answer, which)
      return { code = which == "stock" and 1 or answer.code, out = answer.out, err = answer.err }
    end)
    assert.equal(1, answer.code)
  end)

  it("an error that came out of a task says where from", function()
    write {
      ["task.lua"] = [[
      local rt = require "rt"
      local function fail() error("boom") end
      local task = rt.spawn_local(function() fail() end)
      task.name = "worker"
      task:join()
    ]],
    }
    local code, out, err = run_as("rt", "lua task.lua")
    assert.same({ 1, "" }, { code, out })
    assert.equal(
      [[
lua: task.lua:2: boom
stack traceback:
	[C]: in method 'join'
	task.lua:5: in main chunk
	[C]: in ?
in task 1 (worker), spawned at task.lua:3
stack traceback:
	[C]: in function 'error'
	task.lua:2: in upvalue 'fail'
	task.lua:3: in function <task.lua:3>
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
  all_same(cases)

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

  all_same {
    ["output that cannot be written"] = "lua -e 'print(io.write(\"x\"):flush())' >/dev/full",
    ["stdout is closed"] = "lua -e 'print(1) io.stderr:write(tostring(io.write(\"x\")))' >&-",
    ["stdin is closed"] = "lua -e 'print(io.read())' <&-",
    ["stderr is closed"] = "lua -e 'error(1)' 2>&-",
    ["all are closed"] = "lua -e 'error(1)' <&- >&- 2>&-",
    ["bytes of all kinds"] = "lua -e 'for i = 0, 255 do io.write(string.char(i)) end' | od -c",
  }
end)

describe("rt-lua does as lua: require:", function()
  local function lua(text)
    return "lua -e " .. kit.quote(text)
  end
  all_same {
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
  }

  --- Runs a script in rt-lua, where all must be well; returns what it printed.
  local function works(text)
    write { ["works.lua"] = "local rt = require 'rt'\n" .. text }
    local code, out, err = run_as("rt", "lua works.lua")
    assert.same({ 0, "" }, { code, err })
    return out
  end

  it("whoever requires a module that another task loads waits for that", function()
    assert.equal(
      "true\t1\n",
      works([[
      local function get() return (require "waits") end
      local generator = coroutine.wrap(function() coroutine.yield((require "waits")) end)
      local a, b, c = rt.join(get, get, generator)
      print(a == b and b == c and c == require "waits", loads)
    ]])
    )
    assert.equal(
      "true\t1\n",
      works([[
      local task = rt.spawn_local(require, "waits")
      rt.yield()
      print(require "waits" == task:join(), loads)
    ]])
    )
    assert.equal(
      "from the pool\ttrue\n",
      works([[
      local function get() return (require "waits_joins") end
      local a, b = rt.join(get, get)
      print(a.name, a == b)
    ]])
    )
  end)

  it("… and gets its error; if it was only cancelled, it loads the module itself", function()
    assert.equal(
      "true\ttrue\n",
      works([[
      local function get() return select(2, pcall(require, "waits_fails")) end
      local a, b = rt.join(get, get)
      print(a == b, a:match("after a wait") ~= nil)
    ]])
    )
    assert.equal(
      "cancelled\tcancelled\twaits\t1\n",
      works([[
      local one, two, three = rt.spawn_local(require, "waits"), rt.spawn_local(require, "waits"),
        rt.spawn_local(require, "waits")
      rt.yield()
      one:cancel()
      two:cancel()
      local m = three:join()
      print(one:status(), two:status(), m.name, loads)
    ]])
    )
  end)

  it("modules that wait and require each other in a circle are refused", function()
    assert.equal(
      "false\tfalse\tfalse\tfalse\n",
      works([[
      local function get(name)
        return function()
          local ok, message = pcall(require, name)
          assert(ok or message:find("requires itself, in a circle", 1, true), message)
          return ok
        end
      end
      local a, b = rt.join(get "waits_circle1", get "waits_circle2")
      print(a, b, rt.run(get "waits_circle1"), rt.run(get "waits_self"))
    ]])
    )
  end)

  it("a module may wait while it loads, and other tasks run meanwhile", function()
    assert.equal(
      "other\nwaits\t./waits.lua\t./waits.lua\n",
      works([[
      local task = rt.spawn_local(function()
        local m, where = require "waits"
        print(m.name, m.where, where)
      end)
      rt.spawn_local(function() print("other") end)
      task:join()
    ]])
    )
  end)

  it(
    "a module may wait in the main chunk, in a module's module, in a coroutine of a task",
    function()
      assert.equal("waits\n", works("print(require('waits').name)"))
      assert.equal("waits\n", works("print(rt.run(require, 'waits_outer').inner)"))
      assert.equal(
        "waits\n",
        works("print(rt.run(coroutine.wrap(function() return require 'waits_outer' end)).inner)")
      )
      assert.equal(
        "waits\n",
        works("print(select(2, rt.run(pcall, require, 'waits_outer')).inner)")
      )
    end
  )

  it("a module may wait in a loader of package.preload and in a searcher", function()
    assert.equal(
      "preloaded\tfound\n",
      works([[
      package.preload.p = function() rt.sleep(0.001) return "preloaded" end
      table.insert(package.searchers, 2, function(name)
        rt.sleep(0.001)
        return name == "q" and function() rt.yield() return "found" end
      end)
      print(rt.run(function() return (require "p"), (require "q") end))
    ]])
    )
  end)

  it("a module that fails after a wait raises, and can be tried again", function()
    assert.equal(
      "false\tfalse\tnil\n",
      works([[
      local task = rt.spawn_local(function() return pcall(require, "waits_fails") end)
      local first, message = task:join()
      assert(message:match("^%./waits_fails%.lua:2: after a wait$"), message)
      print(first, (rt.run(pcall, require, "waits_fails")), package.loaded.waits_fails)
    ]])
    )
  end)

  it("a task that is cancelled while a module loads leaves it unloaded", function()
    assert.equal(
      "cancelled\tnil\twaits\n",
      works([[
      local task = rt.spawn_local(require, "waits")
      rt.yield()
      task:cancel()
      pcall(task.join, task)
      print(task:status(), package.loaded.waits, (require "waits").name)
    ]])
    )
  end)

  it("where a module cannot wait, it is told whose fault that is", function()
    assert.matches(
      "^false\t%./waits%.lua:2: cannot wait here: 'table%.sort', a C function,",
      works([[
      print(rt.run(pcall, table.sort, { 1, 2 }, function() require "waits" end))
    ]])
    )
  end)

  it("a circle in a task ends as one in the main chunk", function()
    assert.equal(
      "false\ttrue\n",
      works([[
      local ok, message = rt.run(pcall, require, "circle1")
      print(ok, message:find("C stack overflow", 1, true) ~= nil)
    ]])
    )
  end)
end)

--- Starts a script in rt-lua that says "ready" when the spec may go on.
local function start(text)
  local it = kit.start(kit.rt_lua .. " " .. kit.file([[
    local rt = require "rt"
    io.stdout:setvbuf("line")
    function guard(text)
      return setmetatable({}, { __close = function() print("closed " .. text) end })
    end
  ]] .. text))
  assert.equal("ready", it:line())
  return it
end

--- Waits until it is blocked: the signal is not to meet it on its way there.
local function asleep(it)
  kit.wait_for(function()
    return kit.read(("/proc/%d/stat"):format(it.pid)):match("%) (%a)") == "S"
  end, 10, "its sleep")
  return it
end

--- Sends a signal: the exit code, and the output from there on.
local function end_by(it, signal)
  it:signal(signal)
  local code = it:wait()
  return code, it:output():sub(it.position + 1)
end

describe("rt-lua: Ctrl-C:", function()
  for signal, expected in sorted { INT = 130, TERM = 143 } do
    it(("SIG%s cancels a main chunk that sleeps"):format(signal), function()
      local code, out = end_by(
        asleep(start([[
        local g <close> = guard("main")
        print("ready")
        rt.sleep(60)
        print("not reached")
      ]])),
        signal
      )
      assert.equal(expected, code)
      assert.equal("closed main\n" .. kit.rt_lua .. ": cancelled: interrupted!\n", out)
    end)

    it(
      ("SIG%s ends a main chunk that is in a busy loop, with its traceback"):format(signal),
      function()
        local it = start([[
        local g <close> = guard("main")
        local function busy()
          print("ready")
          while true do end
        end
        busy()
      ]])
        local code, out = end_by(it, signal)
        assert.equal(expected, code)
        assert.matches(
          "^closed main\n[^\n]*: interrupted!\nstack traceback:\n.*in local 'busy'.*in main chunk",
          out
        )
      end
    )

    it(("SIG%s ends a main chunk that swallows it at every wait"):format(signal), function()
      local code, out = end_by(
        asleep(start([[
        local g <close> = guard("main")
        print("ready")
        while true do pcall(rt.sleep, 60) end
      ]])),
        signal
      )
      assert.equal(expected, code)
      assert.equal("closed main\n" .. kit.rt_lua .. ": cancelled: interrupted!\n", out)
    end)

    it(("SIG%s ends a task that is in a busy loop while main waits"):format(signal), function()
      local code, out = end_by(
        start([[
        local m <close> = guard("main")
        local task = rt.spawn_local(function()
          local g <close> = guard("task")
          print("ready")
          while true do end
        end)
        rt.sleep(60)
      ]]),
        signal
      )
      assert.equal(expected, code)
      assert.matches("closed task\n", out)
      assert.matches("closed main\n", out)
    end)
  end

  it("ends a busy loop in a coroutine of a task, and in one of the main chunk", function()
    for _, run in ipairs { "rt.run", "pcall" } do
      local code, out = end_by(
        start(run .. [[ (coroutine.wrap(function()
        local g <close> = guard("coroutine")
        coroutine.wrap(function()
          print("ready")
          while true do end
        end)()
      end))
      rt.sleep(60)]]),
        "INT"
      )
      assert.equal(130, code)
      assert.matches("closed coroutine\n", out)
    end
  end)

  it("unwinds every task", function()
    local code, out = end_by(
      start([[
      local listener = rt.tcp.listen("127.0.0.1", 0)
      local sleeper = rt.spawn_local(function() local g <close> = guard("sleeper") rt.sleep(60) end)
      rt.spawn_local(function() local g <close> = guard("joiner") sleeper:join() end)
      rt.spawn_local(function() local g <close> = guard("accepter") listener:accept() end)
      rt.spawn_local(function() local g <close> = guard("yielder") while true do rt.yield() end end)
      rt.spawn_local(function() print("ready") end)
      rt.sleep(60)
    ]]),
      "INT"
    )
    assert.equal(130, code)
    for _, who in ipairs { "sleeper", "joiner", "accepter", "yielder" } do
      assert.equal(1, select(2, out:gsub("closed " .. who .. "\n", "")))
    end
  end)

  it("every wait of a cancelled main chunk raises, so that it comes to its end", function()
    local code, out = end_by(
      asleep(start([[
      print("ready")
      print(pcall(rt.sleep, 60))
      print(pcall(rt.sleep, 60))
      os.exit(rt.sleep(60))
    ]])),
      "INT"
    )
    assert.equal(130, code)
    assert.matches("^false\tcancelled: interrupted!\nfalse\tcancelled: interrupted!\n", out)
  end)

  it("a second one ends it at once, though a __close loops for ever", function()
    for _, wait in ipairs { "rt.sleep(60)", "while true do end" } do
      local it = start([[
        local g <close> = setmetatable({}, { __close = function()
          print("closing")
          while true do end
        end })
        print("ready")
      ]] .. wait)
      it:signal("INT")
      assert.equal("closing", it:line())
      it:signal("INT")
      assert.equal(130, it:wait())
    end
  end)

  it("a second one ends it at once, though a task cleans up for ever", function()
    local it = start([[
      rt.spawn_local(function()
        local g <close> = setmetatable({}, { __close = function()
          print("closing")
          while true do end
        end })
        print("ready")
        rt.sleep(60)
      end)
      rt.sleep(60)
    ]])
    it:signal("INT")
    repeat
    until it:line() == "closing"
    it:signal("TERM")
    assert.equal(143, it:wait())
  end)

  it("a second one ends it at once while it blocks in C", function()
    local fifo = kit.file(nil, ".fifo")
    assert(os.execute("mkfifo " .. fifo))
    local it = start(("print('ready') io.open('%s')"):format(fifo)) -- blocks: nobody writes
    kit.wait_for(function()
      it:signal("INT")
      return it:ended()
    end, 10, "the end")
    assert.equal(130, it:wait())
  end)
end)

--- A session whose input we write piece by piece. It prints what it says line by line.
local Session = {}
Session.__index = Session

local function session(command)
  local fifo = kit.file(nil, ".fifo")
  assert(os.execute("mkfifo " .. fifo))
  local it = setmetatable({ program = kit.start(command .. " <" .. fifo) }, Session)
  it.input = assert(io.open(fifo, "r+")) -- after the start: nobody else has it open
  it.input:setvbuf("no")
  return it
end

function Session:say(text)
  self.input:write(text)
  return self
end

--- Waits for a line that ends so: a prompt, which has no end of line, stands before it.
function Session:hear(text)
  for _ = 1, 20 do
    local line = self.program:line()
    if line:gsub("\r$", ""):sub(-#text) == text then
      return
    end
  end
  error("never heard " .. text .. " in: " .. self.program:output(), 2)
end

function Session:leave()
  self.input:close()
  return self.program:wait()
end

describe("rt-lua: the prompt:", function()
  --- Stock Lua, if it has readline, repeats what it reads.
  local function without_echo(out, input)
    local from = 1
    for line in input:gmatch("([^\n]*)\n?") do
      local a, b = out:find("> " .. line .. "\n", from, true)
      if a and (line ~= "" or b < #out) then
        out = out:sub(1, a + 1) .. out:sub(b + 1)
        from = a + 2
      end
    end
    return out
  end

  local function prompted(input)
    write { input = input }
    local answer = same("lua -i <input", function(answer, which)
      if which == "stock" then
        answer.out = without_echo(answer.out, input)
      end
      return answer
    end)
    assert.equal(0, answer.code)
    return answer
  end

  for title, input in sorted {
    ["prints expressions"] = "1 + 1\n'a', nil, {}\nnil\nreturn 7\n=8\nprint(9)\n",
    ["prints nothing for statements"] = "x = 1\nlocal y = 2\nx\ny\n",
    ["reads on where a statement is incomplete, not an expression"] = "[[a\nb]]\nx = (1\n+ 1)\nx\n",
    ["reports errors and goes on"] = "error('a')\nerror({})\nx y\nnil + 1\nerror(setmetatable({}, {__tostring = function() return 'obj' end}))\n1\n",
    ["reports tracebacks"] = "function f() error('deep') end\nfunction g() f() end\ng()\n",
    ["has prompts of one's own"] = "_PROMPT = '1> '\n_PROMPT2 = '2> '\nx = (\n3)\n_PROMPT = nil\n4\n"
      .. "_PROMPT = setmetatable({}, {__tostring = function() return 'obj> ' end})\nx\n",
    ["survives a print that fails"] = "setmetatable({}, {__tostring = function() error('no text') end})\nprint = nil\n1\n",
    ["survives os.exit being odd"] = "os.exit = 1\nos.exit\n",
    ["has a last line without an end"] = "1\n2",
    ["ends with its input"] = "",
    ["skips empty lines"] = "\n\n1\n \n",
    ["leaves by os.exit"] = "1\nos.exit(0)\n2\n",
    ["leaves by os.exit with close"] = "1\nos.exit(0, true)\n2\n",
  } do
    it(title, function()
      prompted(input)
    end)
  end

  it("goes on with incomplete input", function()
    local answer = prompted("for i = 1, 2 do\nprint(i)\nend\nx =\n5\nx\ny = [[a\nb]]\ny\n")
    assert.matches("> >> >> 1\n2\n> >> > 5\n> >> > a\nb\n> \n$", answer.out)
  end)

  it(
    "says what is wrong with input that ends too early (lua prints its prompt as the error)",
    function()
      local code, out, err = run_as("rt", "printf 'x = (' | lua -i")
      assert.same({ 0, "stdin:1: unexpected symbol near <eof>\n" }, { code, err })
      assert.matches("\n> >> > \n$", out)
    end
  )

  it(
    "comes after a script, with its arguments and globals; and after one that failed, not at all",
    function()
      write { input = "x, arg[1]\n" }
      local code, out, err = run_as("rt", "lua -e 'x = 5' -i args.lua a <input")
      assert.same({ 0, "" }, { code, err })
      assert.matches("1\ta\n.*\n> 5\ta\n> \n$", out)
      code, out, err = run_as("rt", "lua -i bang.lua <input")
      assert.equal(1, code)
      assert.is_nil(out:find(">", 1, true))
      assert.matches("bang.lua:3: here", err)
    end
  )

  it("rt.sleep waits at it, and tasks run while it waits for input", function()
    local s = session(kit.rt_lua .. " -i")
    s:say("rt = require 'rt'\n")
    s:say("t = rt.now(); rt.sleep(0.05); print(rt.now() - t >= 0.05)\n"):hear("true")
    s:say(
      "ticks = 0; task = rt.spawn_local(function() while true do rt.sleep(0.001) ticks = ticks + 1 "
    )
    s:say("if ticks == 20 then print('twenty') end end end)\n"):hear("twenty")
    s:say("print(task:status() ~= 'done' and rt.now() > t)\n"):hear("true")
    assert.equal(0, s:leave())
  end)

  it("tasks run while half a line is there", function()
    local s = session(kit.rt_lua .. " -i")
    s:say("rt = require 'rt' io.stdout:setvbuf 'line'\n")
    s:say(
      "task = rt.spawn_local(function() rt.sleep(0.05) print('slept') end); print('spawned')\nprint("
    )
    s:hear("spawned")
    s:hear("slept")
    s:say("'whole')\n"):hear("whole")
    assert.equal(0, s:leave())
  end)

  it("lines that came together are read one by one, by whoever asks", function()
    local s = session(kit.rt_lua .. " -i")
    s:say("print(1)\nprint(io.read())\nfor the program\nprint(2)\n")
    s:hear("1")
    s:hear("for the program")
    s:hear("2")
    assert.equal(0, s:leave())
  end)

  it("an error in a task is reported while it waits, and the exit code tells", function()
    local s = session(kit.rt_lua .. " -i")
    s:say("rt = require 'rt'\n_ = rt.spawn_local(error, 'in the background') _ = nil\n")
    s:hear("in the background")
    s:say("print('still here')\n"):hear("still here")
    assert.equal(1, s:leave())
  end)

  it("Ctrl-C ends what was typed, and the session goes on", function()
    local s = session(kit.rt_lua .. " -i")
    for _, what in ipairs {
      "while true do end",
      "require('rt').sleep(60)",
      "coroutine.wrap(function() while true do end end)()",
    } do
      s:say("do print 'started' " .. what .. " end\n"):hear("started")
      s.program:signal("INT")
      s:hear("interrupted!")
      s:say("print('still here')\n"):hear("still here")
      s:say("require('rt').sleep(0.001) print('and able to wait')\n"):hear("and able to wait")
    end
    assert.equal(0, s:leave())
  end)

  it("Ctrl-C while it waits for input ends it, with its tasks", function()
    local s = session(kit.rt_lua .. " -i")
    s:say("rt = require 'rt' x = setmetatable({}, {__close = function() print('closed') end})\n")
    s:say("_ = rt.spawn_local(function() local x <close> = x print('running') rt.sleep(60) end)\n")
    s:hear("running")
    s.program:signal("INT")
    assert.equal(130, s.program:wait())
    s:hear("closed")
  end)

  it("SIGTERM ends it, also while something runs", function()
    local s = session(kit.rt_lua .. " -i")
    s:say("print 'started' while true do end\n"):hear("started")
    s.program:signal("TERM")
    assert.equal(143, s.program:wait())
  end)
end)

local on_terminal = "script -qec "
local has_script = output_of("script --version 2>/dev/null"):match("util%-linux") ~= nil

describe("rt-lua: on a terminal:", function()
  local function terminal_session()
    return session("LD_PRELOAD= TERM=dumb " .. on_terminal .. kit.quote(kit.rt_lua) .. " /dev/null")
  end
  local function if_terminal(title, f)
    it(title, function()
      if not has_script then
        return pending("'script' of util-linux is not installed")
      end
      f()
    end)
  end

  if_terminal("without arguments it says who it is, and prompts", function()
    local s = terminal_session()
    s:hear("PUC-Rio")
    s:hear("rt " .. rt.version)
    s:say("1 + 1\n"):hear("2")
    s:say("rt = require 'rt' rt.sleep(0.001) print('slept')\n"):hear("slept")
    s:say("\4") -- Ctrl-D
    assert.equal(0, s.program:wait())
  end)

  if_terminal("Ctrl-C comes from the keyboard", function()
    local s = terminal_session()
    s:say("print(1 + 1) while true do end\n"):hear("2")
    s:say("\3"):hear("interrupted!")
    s:say("print(3 + 4)\n"):hear("7")
    s:say("\3")
    assert.equal(130, s.program:wait())
  end)
end)
