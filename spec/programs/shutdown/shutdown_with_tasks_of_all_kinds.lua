--- rt.shutdown is called by a caller (arg[1]) while tasks of all kinds wait, each with a variable to close.
local guard = require("guard")
local rt = require("rt")

local main <close> = guard("main")
local up = rt.channel(7)
for _ = 1, 3 do
  rt.spawn(function()
    local g <close> = guard("pool")
    up:send(1)
    rt.sleep(1000)
  end)
  rt.spawn_local(function()
    local g <close> = guard("local")
    up:send(1)
    rt.sleep(1000)
  end)
end
rt.spawn_blocking(function()
  local g <close> = guard("blocking")
  up:send(1)
  rt.sleep(1000)
end)
for _ = 1, 7 do
  up:recv()
end

local callers = {}

callers["a task of the pool"] = function()
  rt.spawn(function()
    rt.shutdown()
  end)
end

callers["a local task"] = function()
  rt.spawn_local(function()
    rt.shutdown()
  end)
end

callers["a job that may block"] = function()
  rt.spawn_blocking(function()
    rt.shutdown()
  end)
end

callers["the main chunk"] = function()
  rt.shutdown()
end

callers["several at once"] = function()
  for _ = 1, 10 do
    rt.spawn(rt.shutdown, 50)
    rt.spawn_local(rt.shutdown)
  end
  rt.shutdown()
  rt.shutdown(20)
end

callers["a scope"] = function()
  rt.scope(function(s)
    s:spawn(function()
      rt.shutdown()
      rt.sleep(1000)
    end)
  end)
end

callers["a task that is closed"] = function()
  rt.spawn(function()
    local g <close> = setmetatable({}, {
      __close = function()
        rt.shutdown()
      end,
    })
    rt.shutdown()
    rt.sleep(1000)
  end)
end

callers[arg[1]]()
rt.sleep(1000)
