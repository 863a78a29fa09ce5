--- Many tasks wait for room in the queue of blocking jobs. A task that gets room and cannot use it,
--- since its values cannot be sent, leaves it to the next task.
local rt = require("rt")
local slow = require("slow")

rt.configure { blocking = 1 }
local begun, gate, queued = rt.channel(), rt.channel(), 0
rt.spawn_blocking(function()
  begun:send(true)
  gate:recv()
end)
begun:recv()
local filler = rt.spawn_local(function()
  while true do
    rt.spawn_blocking(function() end)
    queued = queued + 1
  end
end)
repeat
  local before = queued
  rt.sleep(0.05)
until queued == before and queued > 0
filler:cancel()
pcall(filler.join, filler)

local refused = 0
for _ = 1, queued + 10 do
  rt.spawn_local(function()
    if not pcall(rt.spawn_blocking, function() end, coroutine.create(print)) then
      refused = refused + 1
    end
  end)
end
local good = rt.spawn_local(function()
  return rt.spawn_blocking(function()
    return "done"
  end):join()
end)
rt.sleep(0.05)
gate:close()
print(rt.timeout(10 * slow, function()
  return good:join()
end))
print(refused - queued)
