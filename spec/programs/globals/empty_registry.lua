--- What has been loaded goes on; tasks of the pool are another matter, since the globals are in the
--- registry, too.
local rt = require("rt")
local task = rt.spawn_local(function()
  rt.sleep(0.01)
  return 1
end)
local registry = debug.getregistry()
for key in pairs(registry) do
  registry[key] = nil
end
collectgarbage()
collectgarbage()
print(task:join())
print((pcall(rt.sleep, 0.01)))
print(rt.join(function()
  return 2
end))
pcall(rt.spawn, print)
error("the end")
