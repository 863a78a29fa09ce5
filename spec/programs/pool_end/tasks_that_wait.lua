--- The program ends in a way (arg[1]), while 61 tasks wait that have variables to close, and others are queued.
local guard = require("guard")
local rt = require("rt")

local up = rt.channel(100)
for _ = 1, 20 do
  rt.spawn(function()
    local g <close> = guard("sleeper", io.stderr)
    up:send(1)
    rt.sleep(1000)
  end)
  rt.spawn(function()
    local g <close> = guard("receiver", io.stderr)
    up:send(1)
    pcall(function()
      rt.channel():recv()
    end)
  end)
  rt.spawn(function()
    local g <close> = guard("joiner", io.stderr)
    up:send(1)
    rt.spawn(rt.sleep, 1000):join()
  end)
end
rt.spawn_blocking(function()
  local g <close> = guard("blocking", io.stderr)
  up:send(1)
  rt.sleep(1000)
end)
for _ = 1, 61 do
  up:recv()
end
for _ = 1, 100 do
  rt.spawn(rt.sleep, 1000)
end

local endings = {}

endings["main ends"] = function() end

endings["an error in main"] = function()
  error("the error")
end

endings["os.exit with close"] = function()
  os.exit(3, true)
end

endings["os.exit with close in a task"] = function()
  rt.spawn(function()
    os.exit(4, true)
  end)
  rt.sleep(60)
end

endings["os.exit with close in a blocking job"] = function()
  rt.spawn_blocking(function()
    os.exit(6, true)
  end)
  rt.sleep(60)
end

endings[arg[1]]()
