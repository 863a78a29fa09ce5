--- rt-lua compared with the stock interpreter: options, finding and running a script, environment.
local kit = require("kit")
local rt = require("rt")
local stock = require("stock")

local all_same, own, run_as = stock.all_same, stock.own, stock.run_as

stock.copy("args")
stock.write {
  ["bang.lua"] = "#!/usr/bin/env lua\nprint(debug.getinfo(1, 'l').currentline)\nerror('here')\n",
  ["executable"] = "#!/usr/bin/env lua\nprint(arg[0], ...)\n",
  ["bang_wrong.lua"] = "#!/usr/bin/env lua\nlocal = 1\n",
  ["bom.lua"] = "\xEF\xBB\xBF# a comment\nprint('after a mark', debug.getinfo(1, 'l').currentline)\n",
  ["init.lua"] = "from_init = 'init.lua'; print('init', ...)\n",
  ["empty.lua"] = "",
  ["syntax.lua"] = "print('never')\nlocal x = = 1\n",
  ["-"] = "print('a file called -', ...)\n",
  ["mod.lua"] = "return { name = ..., where = select(2, ...), n = select('#', ...) }\n",
  ["sub/inner.lua"] = "return { inner = ..., where = select(2, ...) }\n",
  ["fails.lua"] = "local function inner() error('module fails') end\ninner()\n",
}

describe("rt-lua does as lua: options:", function()
  all_same(it, {
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
  })

  local wrong =
    { "-x", "--nosuch", "-vv", "-Ex", "-W1", "-i1", "-e", "-l", "-e -v", "-l -e 1", "-W -e", "---" }
  for _, options in ipairs(wrong) do
    it("refuses " .. options, function()
      local answer = stock.same("lua " .. options, function(answer, which)
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
  all_same(it, {
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
  })

  it("the collector of the main state has the mode that lua gives it", function()
    local command = "lua -e 'print(collectgarbage(\"incremental\"))'"
    local there, here = { run_as("stock", command) }, { run_as("rt", command) }
    assert.matches("^%l+al\n$", there[2])
    assert.same(there, here)
  end)

  it("that of workers is incremental, unless rt.preload says otherwise", function()
    local mode = "rt.spawn(function() return collectgarbage('incremental') end):join()"
    for expected, before in pairs {
      incremental = "",
      generational = "rt.preload(function() collectgarbage('generational') end)",
    } do
      local code, out, err = kit.run(("local rt = require('rt') %s print(%s)"):format(before, mode))
      assert.same({ 0, expected .. "\n", "" }, { code, out, err })
    end
  end)

  it("in a stock interpreter the mode is the program's", function()
    for _, mode in ipairs { "incremental", "generational" } do
      local code, out, err = kit.run(
        ("collectgarbage(%q) require('rt').spawn_local(function() end):join() print(collectgarbage(%q))"):format(
          mode,
          mode
        )
      )
      assert.same({ 0, mode .. "\n", "" }, { code, out, err })
    end
  end)
end)

describe("rt-lua does as lua: the environment:", function()
  all_same(it, {
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
  })

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

  it("without the defaults LUA_PATH and LUA_CPATH are left as lua leaves them", function()
    local _, out, err =
      run_as("rt", "LUA_PATH='./sub/?.lua' LUA_CPATH=x lua -e 'print(package.path, package.cpath)'")
    assert.equal("./sub/?.lua\tx\n", out .. err)
  end)

  it("its own modules are found with any path, last, and so they are in the pool", function()
    local program = [[
      local rt = require("rt")
      local core = require("rt.core")
      for name in pairs(package.loaded) do
        if name:find("^rt") then package.loaded[name] = nil end
      end
      assert(require("rt").sleep == rt.sleep and require("rt.core") == core)
      print(rt.spawn(function()
        return require("rt").version, package.path, package.cpath
      end):join())
      print(pcall(require, "rt.nothing"))
    ]]
    local _, out, err = run_as("rt", "LUA_PATH=a LUA_CPATH=b lua -e " .. kit.quote(program))
    local first, rest = out:match("^(.-)\n(.*)$")
    assert.equal(rt.version .. "\ta\tb", first, err)
    assert.matches("false\tmodule 'rt.nothing' not found:", rest)
    assert.truthy(rest:find(("\n\tno file '%s/rt/nothing.lua'"):format(own), 1, true), rest)
  end)
end)
