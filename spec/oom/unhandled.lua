--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Errors of tasks that are not joined: with a handler, with a handler that fails, and without one.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local told, times, strange = {}, 0, 0
rt.on_unhandled(function(err, task, trace)
  times = times + 1
  if told[task] or type(trace) ~= "string" or task:status() ~= "failed" then
    strange = strange + 1
  end
  if err == "nobody" then
    told[task] = true
  end
end)
for _ = 1, 5 do
  rt.spawn_local(error, "nobody", 0)
end
rt.yield()
rt.yield()
collectgarbage()
collectgarbage()
for _ = 1, 3 do
  rt.yield()
end
local kept = rt.spawn_local(error, "somebody", 0)
rt.yield()
collectgarbage()
local ok, err = pcall(kept.join, kept)
right(not ok, "it failed")
if err ~= "somebody" then
  error(err, 0)
end
right(strange == 0, "the error, its task, its trace: of each once")
local heard = times

rt.on_unhandled(function()
  error("the handler fails", 0)
end)
rt.spawn_local(
  error,
  setmetatable({}, {
    __tostring = function()
      return "an object"
    end,
  })
)
rt.yield()
collectgarbage()
collectgarbage()
rt.sleep(0.001)
rt.on_unhandled(nil)
rt.spawn_local(error, "on stderr")
rt.yield()
collectgarbage()
collectgarbage()
rt.yield()
rt.spawn_local(error, setmetatable({}, { __tostring = error }))
rt.on_unhandled(print)
rt.on_unhandled(nil)
if heard < 5 then
  error("not enough memory to tell of all", 0)
end
return true
