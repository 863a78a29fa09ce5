--- The prompt of rt-lua, compared with that of the stock interpreter, and with tasks.
local kit = require("kit")
local rt = require("rt")
local stock = require("stock")

local run_as = stock.run_as

stock.copy("args")
stock.write {
  ["bang.lua"] = "#!/usr/bin/env lua\nprint(debug.getinfo(1, 'l').currentline)\nerror('here')\n",
}

local prompt = kit.quote(kit.rt_lua) .. " -i"

--- Starts a session whose input is written piece by piece, and whose output is read line by line.
local Session = {}
Session.__index = Session

local function session(command)
  local fifo = kit.file(nil, ".fifo")
  assert(os.execute("mkfifo " .. fifo))
  local it = setmetatable({ program = kit.start(command .. " <" .. fifo) }, Session)
  it.input = assert(io.open(fifo, "r+")) -- after the start, so that no other process has it open
  it.input:setvbuf("no")
  return it
end

function Session:say(text)
  self.input:write(text)
  return self
end

--- Waits for a line that ends with this text. A prompt, which has no end of line, stands before it.
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
  --- Stock Lua with readline echoes its input.
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
    stock.write { input = input }
    local answer = stock.same("lua -i <input", function(answer, which)
      if which == "stock" then
        answer.out = without_echo(answer.out, input)
      end
      return answer
    end)
    assert.equal(0, answer.code)
    return answer
  end

  for title, input in
    require("pl.tablex").sort {
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
    }
  do
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
      stock.write { input = "x, arg[1]\n" }
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
    local s = session(prompt)
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
    local s = session(prompt)
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
    local s = session(prompt)
    s:say("print(1)\nprint(io.read())\nfor the program\nprint(2)\n")
    s:hear("1")
    s:hear("for the program")
    s:hear("2")
    assert.equal(0, s:leave())
  end)

  it("an error in a task is reported while it waits, and the exit code tells", function()
    local s = session(prompt)
    s:say("rt = require 'rt'\n_ = rt.spawn_local(error, 'in the background') _ = nil\n")
    s:hear("in the background")
    s:say("print('still here')\n"):hear("still here")
    assert.equal(1, s:leave())
  end)

  it("Ctrl-C ends what was typed, and the session goes on", function()
    local s = session(prompt)
    for _, what in ipairs {
      "while true do end",
      "require('rt').sleep(60)",
      "coroutine.wrap(function() while true do end end)()",
    } do
      s:say("do print 'started' " .. what .. " end\n"):hear("started")
      s.program:signal("INT")
      s:hear("interrupted! (SIGINT)")
      s:say("print('still here')\n"):hear("still here")
      s:say("require('rt').sleep(0.001) print('and able to wait')\n"):hear("and able to wait")
    end
    assert.equal(0, s:leave())
  end)

  it("Ctrl-C while it waits for input ends it, with its tasks", function()
    local s = session(prompt)
    s:say("rt = require 'rt' x = setmetatable({}, {__close = function() print('closed') end})\n")
    s:say("_ = rt.spawn_local(function() local x <close> = x print('running') rt.sleep(60) end)\n")
    s:hear("running")
    s.program:signal("INT")
    assert.equal(130, s.program:wait())
    s:hear("closed")
  end)

  it("SIGTERM ends it, also while something runs", function()
    local s = session(prompt)
    s:say("print 'started' while true do end\n"):hear("started")
    s.program:signal("TERM")
    assert.equal(143, s.program:wait())
  end)

  it(
    "a statement that is ended by force, after SIGINT and rt.shutdown, ends it by SIGINT",
    function()
      local form = [[echo 'dofile("%s")' | %s -i]]
      local code, _, err = kit.shell(form:format(kit.program("ends_by_force"), kit.rt_lua))
      assert.equal(
        "rt: SIGINT: the program ends without its cleanup: main runs the main chunk\n",
        err
      )
      assert.equal(130, code)
    end
  )
end)

local on_terminal = "script -qec "
local has_script = select(2, kit.shell("script --version")):find("util%-linux") ~= nil

describe("rt-lua: on a terminal:", function()
  local function terminal_session()
    return session(
      "LD_PRELOAD= TERM=dumb " .. on_terminal .. kit.quote(kit.quote(kit.rt_lua)) .. " /dev/null"
    )
  end
  local function if_terminal(title, f)
    it(title, function()
      if not has_script then
        return pending("no peer: script, of util-linux")
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
    s:say("\3"):hear("interrupted! (SIGINT)")
    s:say("print(3 + 4)\n"):hear("7")
    s:say("\3")
    assert.equal(130, s.program:wait())
  end)
end)
