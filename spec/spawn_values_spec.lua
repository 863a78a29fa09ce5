--- rt.spawn: values that can be sent to a task of the pool and back, and values that cannot.
local kit = require("kit")
local rt = require("rt")

--- Runs a program with one worker, which must end well; returns its output.
local function run(name)
  local code, out, err = kit.run(kit.program(name), nil, 60, "RT_WORKERS=1")
  assert(code == 0, ("exit code %s\n%s%s"):format(code, out, err))
  return out
end

describe("rt.spawn", function()
  it("G4 copies the function, its upvalues and its arguments as they are at the call", function()
    local t, n = { 1, 2 }, 10
    local task = rt.spawn(function(arg)
      t[1] = t[1] + 100
      return t[1], t[2], n, arg.x, #arg.list
    end, { x = "ex", list = { 1, 2, 3 } })
    t[2], n = "changed", "changed"
    assert.same({ 101, 2, 10, "ex", 3 }, { task:join() })
    assert.same({ 1, "changed" }, t)
  end)

  it("G5 what cannot travel raises at the call, and names its path", function()
    local file = io.tmpfile()
    local config = { log = { file = file } }
    local message = kit.refused(rt.spawn, function()
      return config
    end)
    assert.matches("upvalue 'config' %.log%.file %(userdata FILE%*%)", message)
    message = kit.refused(rt.spawn, print, 1, { x = { coroutine.create(print) } })
    assert.matches("argument 2 %.x%[1%] %(coroutine%)", message)
    assert.matches(
      "bad argument #1 to '[%a.]*spawn' %(function expected, got table%)",
      kit.refused(rt.spawn, {})
    )
    assert.matches("function expected, got no value", kit.refused(rt.spawn))
  end)

  it("G4 an environment of its own goes along; the globals are those of the worker", function()
    local sandbox = load("return os ~= nil, x", "=sandbox", "t", { x = 1 })
    assert.same({ false, 1 }, { rt.spawn(sandbox):join() })
    assert.same({ false, 1 }, { rt.run(sandbox) })
    local channel = rt.channel(1)
    channel:send(sandbox)
    assert.same({ false, 1 }, { channel:recv()() })
    local _, stripped = sandbox(), load(string.dump(sandbox, true), "=stripped", "b", { x = 2 })
    assert.same({ false, 2 }, { rt.spawn(stripped):join() })
    local function layer(x)
      local _ENV = setmetatable({ x = x }, { __index = _G })
      local function set(value)
        x = value
      end
      return function(value)
        set(value)
        return x, _ENV.x, os ~= nil, rawequal(_ENV, _G)
      end
    end
    assert.same({ 2, 1, true, false }, { rt.spawn(layer(1), 2):join() })
    local globals = _G
    assert.is_true(rt.spawn(function()
      return globals == _G and globals == _ENV
    end):join())
    local bad = load("return f", "=bad", "t", { f = { coroutine.create(print) } })
    assert.matches("cannot send upvalue '_ENV' %.f%[1%] %(coroutine%)", kit.refused(rt.spawn, bad))
  end)

  it("G4 an _ENV that a function sets in one task is not that of another task", function()
    assert.equal("nil\tmine\nnil\n", run("set_env"))
  end)

  it("an error arrives unchanged, with both tracebacks", function()
    local function fail()
      error("boom")
    end
    local task = rt.spawn(function()
      fail()
    end)
    local ok, message, trace = nil, nil, nil
    ok = xpcall(task.join, function(e)
      message, trace = e, rt.traceback(e)
    end, task)
    assert.is_false(ok)
    assert.matches("spawn_values_spec.lua:%d+: boom$", message)
    assert.matches("in task %d+, spawned at .-spawn_values_spec.lua:%d+", trace)
    assert.matches("in upvalue 'fail'", trace)
    assert.equal("failed", task:status())
    for _, value in ipairs { 5, 1.5, true, { code = 7 } } do
      local failing = rt.spawn(error, value)
      local _, err = pcall(failing.join, failing)
      assert.same(value, err)
      _, err = pcall(failing.join, failing)
      assert.same(value, err)
    end
    local _, err = pcall(function()
      return rt.spawn(error):join()
    end)
    assert.is_nil(err)
  end)

  it("an error value that cannot travel arrives as a text that says so", function()
    local task = rt.spawn(function()
      error(coroutine.create(print))
    end)
    local _, err = pcall(task.join, task)
    assert.matches("^thread: ", err)
    assert.matches("could not be handed on: .*coroutine", err)
  end)

  local function cancelled_for(reason)
    local task = rt.spawn_local(rt.sleep, 60)
    rt.yield()
    task:cancel(reason)
    return select(2, pcall(task.join, task))
  end

  it(
    "G5 cancellation errors that are reasons of each other travel, but not to any depth",
    function()
      local ch, err = rt.channel(1), "the first"
      local function refused(...)
        assert.matches(
          "cannot send value 1[ %[%]1]* %(an rt.Cancelled too deep in the reasons of others, or in its own%)",
          kit.refused(...)
        )
      end
      for _ = 1, 32 do
        err = cancelled_for(err)
      end
      ch:send(err)
      err = ch:recv()
      for _ = 1, 32 do
        assert.equal(rt.Cancelled, getmetatable(err))
        err = err.reason
      end
      assert.equal("the first", err)
      for _ = 1, 300 do
        err = cancelled_for(err)
      end
      refused(ch.send, ch, err)
      local circle = {}
      circle[1] = cancelled_for(circle)
      refused(ch.send, ch, circle[1])
      local task = rt.spawn(rt.sleep, 60)
      refused(task.cancel, task, circle)
      task:cancel()
    end
  )

  it("results that cannot travel are an error of the task", function()
    local task = rt.spawn(function()
      return 1, io.tmpfile()
    end)
    local _, err = pcall(task.join, task)
    assert.matches("result 2 %(userdata FILE%*%)", err)
  end)

  it("a global that only main has is explained", function()
    local name = "a_function_of_main"
    _G[name] = print
    local task = rt.spawn(function()
      return a_function_of_main() -- luacheck: ignore
    end)
    local _, err = pcall(task.join, task)
    _G[name] = nil
    assert.matches("attempt to call a nil value %(global 'a_function_of_main'%)", err)
    assert.matches("a state of its own", err)
  end)

  it("a module that a worker does not find is explained, with the value that it was of", function()
    package.loaded.of_main = { x = 2, f = function() end }
    local m, ch = require("of_main"), rt.channel(1)
    local f, config = m.f, { log = { m = m } }
    local function lacks(place, ...)
      local _, err = pcall(rt.join, (rt.spawn(...)))
      assert.matches("module 'of_main' not found:", err, 1, true)
      local hint = "\n(%s is of module 'of_main', and modules travel by name"
      assert.matches(hint:format(place), err, 1, true)
      assert.equal(1, select(2, err:gsub("rt%.preload", "")))
    end
    lacks("upvalue 'm'", function()
      return m.x
    end)
    lacks("upvalue 'f'", function()
      return f()
    end)
    lacks("upvalue 'config' .log.m", function()
      return config
    end)
    lacks("the function", m.f)
    lacks("argument 2", print, 1, m)
    lacks("argument 1 [1] upvalue 'm'", print, {
      function()
        return m
      end,
    })
    lacks("a value of this call", print, { { { { m } } } })
    ch:send(1, m)
    lacks("value 2", function()
      ch:recv()
    end)
    package.loaded.of_main = nil
  end)

  it("an error in a module that a worker requires is that error, with where it was", function()
    local out = run("use_of_a_module_that_fails")
    assert.matches(
      "^[^\n]*/module_that_fails.lua:3: it fails here\tstack traceback:\n.*\nin task 1, spawned at ",
      out
    )
    assert.matches("in %a+ 'fail'\n[^\n]*/module_that_fails.lua:7: in main chunk\n", out)
    assert.is_nil(out:find("travel by name", 1, true))
  end)

  --- Returns the error of a task of the pool that runs this source, in which each line is a
  --- function.
  local function error_of(source)
    local task = rt.spawn(assert(load(source, "=source")))
    return select(2, pcall(task.join, task))
  end

  local reads = {
    { "for _, w in ipairs(words) do end", "words", "attempt to index a nil value" },
    { "for k in pairs(words) do end", "words", "'for iterator' %(table expected, got nil%)" },
    { "for i = 1, limit do end", "limit", "'for' limit" },
    { "return 3 < limit", "limit", "attempt to compare number with nil" },
    { "return string.rep(name, 3)", "name", "'rep' %(string expected, got nil%)" },
    { "return table.concat(words, ',')", "words", "'concat' %(table expected, got nil%)" },
    {
      "table.sort({ 1, 2 }, function(a) return a < limit end)",
      "limit",
      "compare number with nil",
    },
    { "require 'rt'.timeout(9, function() string.rep(name) end)", "name", "'rep'" },
    { "require 'rt'.run(function() string.rep(name) end)", "name", "'rep'" },
    {
      "local function f(x) if not x then error('got nil', 2) end end f(x1)",
      "x1",
      "got nil",
    },
  }
  for _, case in ipairs(reads) do
    it(
      "a global that only main has is explained where Lua does not name it: " .. case[1],
      function()
        local err = error_of(case[1])
        assert.matches(case[3], err)
        assert.matches(
          ("\n(in this line the global '%s' is nil: a task of rt.spawn runs in a state of its own"):format(
            case[2]
          ),
          err,
          1,
          true
        )
        assert.equal(1, select(2, err:gsub("a state of its own", "")))
      end
    )
  end

  it("a nil that is no global is not explained by one", function()
    for _, source in ipairs {
      "return string.rep(nil, 3)",
      "local t = debugging and {} or nil return t.x",
      "string.rep(print and nil)",
      "if debugging then end\nstring.rep(nil)",
      "pcall(string.rep, missing)\nstring.rep(nil)",
      "error('a nil value', 0)",
      "local strict <close> = setmetatable({}, { __close = function() setmetatable(_G, nil) end })"
        .. " setmetatable(_G, { __index = function() end }) string.rep(missing)",
    } do
      assert.is_nil(error_of(source):find("state of its own", 1, true), source)
    end
  end)

  it("modules travel by name, and are one in each state", function()
    local task = rt.spawn(function(t)
      return rt == require("rt"), t == table, kit == require("kit"), kit.in_rt_lua
    end, table)
    assert.same({ true, true, true, kit.in_rt_lua }, { task:join() })
  end)

  it("a function that its module does not hold any more travels as it is", function()
    local n = 1
    local m = {
      f = function()
        return n
      end,
    }
    package.loaded.of_main = m
    assert.matches(
      "module 'of_main' not found",
      select(2, pcall(rt.join, (rt.spawn(m.f)))),
      1,
      true
    )
    local f = m.f
    m.f = print
    assert.equal(1, rt.spawn(f):join())
    package.loaded.of_main = nil
  end)

  it("arg and package.path are known there", function()
    local out = run("path_and_arguments")
    assert.equal("true\tfirst\n", out)
  end)
end)
