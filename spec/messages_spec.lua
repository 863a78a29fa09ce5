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
      { "function expected, got number", pcall(rt.call, 5) },
      { "table expected, got function", pcall(rt.retry, print) },
      { "list or iterator expected, got nil", pcall(rt.map, 1, nil) },
      { "function expected, got number", pcall(rt.each, 1, {}, 5) },
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

  it("about what only the main state has in a library or a module says so", function()
    local code, out, err = kit.run(kit.program("hints"))
    assert.equal(0, code, err)
    local hint =
      "%(if %s is meant: a task of rt%.spawn runs in a state of its own, where that was never set:\n"
    for _, text in ipairs {
      "global field: attempt to call a nil value %(field 'trim'%)\n"
        .. hint:gsub("%%s", "string.trim"),
      "upvalue field: attempt to call a nil value %(field 'trim'%)\n"
        .. hint:gsub("%%s", "string.trim"),
      "method: attempt to call a nil value %(method 'trim'%)\n" .. hint:gsub("%%s", "string.trim"),
      "_G: attempt to index a nil value %(field 'settings'%)\n" .. hint:gsub("%%s", "_G.settings"),
      "module field: attempt to call a nil value %(field 'helper'%)\n"
        .. hint:gsub("%%s", "rt.helper"),
      "field of a table beside a module: attempt to call a nil value %(field 'helper'%)\nother field",
      "other field: attempt to call a nil value %(field 'trim'%)\nother method",
      "other method: attempt to call a nil value %(method 'trim'%)\nend\n$",
    } do
      assert.matches(text, out)
    end
  end)
end)

describe("methods of rt's objects", function()
  it("can be sent, as the function of spawn and as values", function()
    local channel, semaphore = rt.channel(1), rt.semaphore(1)
    rt.spawn(channel.send, channel, 5):join()
    assert.equal(5, rt.spawn(channel.recv, channel):join())
    local task = rt.spawn(function()
      return 7
    end)
    assert.equal(7, rt.spawn(task.join, task):join())
    local release = rt.spawn(function(acquire)
      acquire(semaphore)
      return semaphore.release
    end, semaphore.acquire):join()
    assert.equal(0, semaphore:available())
    assert.equal(semaphore.release, release)
  end)

  it("… but not a function that was made by one, as the iterator of a channel", function()
    local message = kit.refused(rt.spawn, (rt.channel():iter()))
    assert.matches("cannot send the function %(C function that no module holds%)", message)
  end)
end)
