--- Ends a program in a state (arg[1]) that is not reported.
local pair = require("pair")
local rt = require("rt")

local states = {}

states["rt is only loaded"] = function() end

states["nothing has run yet"] = function()
  rt.spawn_local(print, "never")
end

states["everything is done"] = function()
  rt.run(rt.yield)
end

states["a listener is open"] = function()
  _G.listener = rt.tcp.listen("127.0.0.1", 0)
end

states["connections are open"] = function()
  _G.client, _G.server = pair()
  _G.client:write("unread")
end

states["a task is cancelled, and has not heard of it"] = function()
  local t = rt.spawn_local(function()
    rt.sleep(1000)
  end)
  rt.yield()
  t:cancel()
end

states["a task is cancelled, and nobody has asked"] = function()
  local t = rt.spawn_local(function()
    rt.sleep(1000)
  end)
  rt.yield()
  t:cancel()
  rt.sleep(0.01)
end

states["the last word is a coroutine that is left suspended"] = function()
  _G.co = coroutine.create(function()
    coroutine.yield()
  end)
  coroutine.resume(_G.co)
end

states["a coroutine of a task is left waiting"] = function()
  _G.co = coroutine.create(rt.sleep)
  rt.spawn_local(function()
    coroutine.resume(_G.co, 1000)
  end)
  rt.yield()
end

states["a finalizer waits for what never comes"] = function()
  local log = rt.channel(0)
  _G.logger = setmetatable({}, {
    __gc = function()
      pcall(log.send, log, "bye")
    end,
  })
  rt.spawn_local(rt.sleep, 1000)
  rt.yield()
end

states["the body of a scope was left suspended, by a yield that is not rt's"] = function()
  local yield = require("rt.core").internal["original coroutine.yield"]
  _G.co = coroutine.wrap(function()
    rt.scope(function()
      yield()
    end)
  end)
  _G.co()
end

states["finalizers use rt"] = function()
  _G.x = setmetatable({}, {
    __gc = function()
      pcall(rt.sleep, 1)
      pcall(rt.spawn_local, print)
      rt.now()
    end,
  })
end

states[arg[1]]()
