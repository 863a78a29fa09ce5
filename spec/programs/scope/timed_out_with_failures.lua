--- A scope is timed out, and a task of it fails in its cleanup: rt.timeout returns its own nil, and the
--- error of the task goes to rt.on_unhandled. The text of the error is the reason of the cancel.
local rt = require("rt")

local unhandled = rt.channel(2)
rt.on_unhandled(function(err)
  unhandled:send(err)
end)

local function fails(begun)
  begun:send(true)
  local _, err = pcall(rt.sleep, math.huge)
  error(err.reason, 0)
end

local function try(what, seconds)
  local begun = rt.channel(1)
  local caller = rt.spawn_local(function()
    return rt.timeout(0.05, rt.scope, function(scope)
      scope:spawn(fails, begun)
      begun:recv()
      rt.sleep(seconds)
    end)
  end)
  print(what, caller:join())
end

try("f waits", math.huge)
try("f has ended", 0)
collectgarbage() -- the handles: no task can join the failed tasks any more
print("unhandled: " .. unhandled:recv() .. ", " .. unhandled:recv())
