--- Spawns more blocking jobs than the queue has room for; then cancels one that is queued.
local rt = require("rt")

rt.configure { blocking = 1 }
local n, done = 3000, 0
local tasks = {}
for i = 1, n do
  tasks[i] = rt.spawn_blocking(function()
    return 1
  end)
end
for i = 1, n do
  done = done + tasks[i]:join()
end
local gate = rt.channel()
local blocker = rt.spawn_blocking(function()
  return gate:recv()
end)
local queued = rt.spawn_blocking(function()
  return "ran"
end)
rt.sleep(0.01)
print(done, queued:cancel(), queued:status(), gate:send("went on"), blocker:join())
