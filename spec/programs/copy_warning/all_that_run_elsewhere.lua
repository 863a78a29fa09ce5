-- Each way to run a function in another worker; the function assigns to an upvalue, which has the name of
-- the way. Then those that stay in this state.
local rt = require("rt")
local spawn, blocking, call, named, scope, map, each, serve, preload, scoped_blocking
local local_task, joined, raced, run, timeout

rt.preload(function()
  preload = 1
end)
rt.spawn(function()
  spawn = 1
end):join()
rt.spawn_blocking(function()
  blocking = 1
end):join()
rt.call(function()
  call = 1
end)
rt.builder({ name = "x" })
  :spawn(function()
    named = 1
  end)
  :join()
rt.builder({ name = "x" })
  :spawn_blocking(function()
    scoped_blocking = 1
  end)
  :join()
rt.scope(function(s)
  s:spawn(function()
    scope = 1
  end)
end)
rt.map(2, { 1, 2 }, function(x)
  map = x
end)
rt.each(2, { 1, 2 }, function(x)
  each = x
end)
rt.timeout(0.1, rt.tcp.serve, "127.0.0.1", 0, function()
  serve = 1
end)

rt.spawn_local(function()
  local_task = 1
end):join()
rt.scope(function(s)
  s:spawn_local(function()
    joined = 1
  end)
end)
rt.join(function()
  joined = 2
end)
rt.race(function()
  raced = 1
end)
rt.run(function()
  run = 1
end)
rt.timeout(1, function()
  timeout = 1
end)
print(spawn, blocking, call, named, scope, map, each, serve, preload, scoped_blocking)
print(local_task, joined, raced, run, timeout)
