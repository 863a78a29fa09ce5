--- The main chunk ends while there are tasks in every state, each with variables to close.
local guard = require("guard")
local pair = require("pair")
local rt = require("rt")

local client, _, listener = pair()
local sleeper = rt.spawn_local(function()
  local g <close> = guard("sleeper")
  rt.sleep(1000)
end)

local function task(name, wait)
  rt.spawn_local(function()
    local g <close> = guard(name)
    wait()
  end)
end

task("yielding", function()
  while true do
    rt.yield()
  end
end)
task("sleeping", function()
  rt.sleep(1000)
end)
task("sleeping for ever", function()
  rt.sleep(math.huge)
end)
task("reading", function()
  client:recv()
end)
task("reading a line", function()
  local c <const>, s = pair()
  s:write("half")
  c:read("l")
end)
task("writing", function()
  local c, text = pair(), ("x"):rep(100000)
  while true do
    c:write(text)
  end
end)
task("accepting", function()
  listener:accept()
end)
task("joining", function()
  sleeper:join()
end)
task("joining several", function()
  rt.join(sleeper, function()
    local g <close> = guard("inner")
    rt.sleep(1000)
  end)
end)
task("in a timeout", function()
  rt.timeout(1000, rt.sleep, 1000)
end)
task("in an interval", function()
  for _ in rt.interval(1000) do
  end
end)
task("in pcall", function()
  pcall(rt.sleep, 1000)
end)
task("in a coroutine", function()
  coroutine.wrap(function()
    local g <close> = guard("in a coroutine's coroutine")
    coroutine.wrap(function()
      local h <close> = guard("innermost")
      rt.sleep(1000)
    end)()
  end)()
end)
task("in an iterator", function()
  for _ in
    coroutine.wrap(function()
      rt.sleep(1000)
      coroutine.yield(1)
    end)
  do
  end
end)
task("in a metamethod", function()
  return setmetatable({}, {
    __index = function()
      rt.sleep(1000)
    end,
  }).x
end)
task("in __close", function()
  do
    local c <close> = setmetatable({}, {
      __close = function()
        local g <close> = guard("of __close")
        rt.sleep(1000)
      end,
    })
  end
end)

for _ = 1, 20 do
  rt.yield()
end
rt.sleep(0.05)
print("end")
rt.spawn_local(function()
  print("a queued task ran")
end)
