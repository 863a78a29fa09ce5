--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- The main chunk ends while tasks are in the middle of everything.
local rt = require("rt")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()

local function guarded(f, ...)
  local guard <close> = setmetatable({}, {
    __close = function()
      pcall(rt.sleep, 0.001)
    end,
  })
  f(...)
  return guard
end

rt.spawn_local(guarded, rt.sleep, 60)
rt.spawn_local(guarded, listener.accept, listener)
rt.spawn_local(guarded, function()
  local stream = assert(rt.tcp.connect("127.0.0.1", port))
  stream:read("l")
end)
rt.spawn_local(rt.timeout, 60, rt.sleep, 60)
rt.spawn_local(coroutine.wrap(function()
  for i in
    coroutine.wrap(function()
      rt.sleep(60)
    end)
  do
    coroutine.yield(i)
  end
end))
local failing = rt.spawn_local(error, "nobody hears of this")
local joined = rt.spawn_local(rt.sleep, 60)
rt.spawn_local(joined.join, joined)
rt.spawn_local(function()
  while true do
    local ok = pcall(rt.sleep, 0.001)
    if not ok then
      break
    end
  end
  rt.spawn_local(tostring, 1) -- too late: an error
end)
for _ = 1, 3 do
  rt.yield()
end
rt.spawn_local(guarded, tostring, 1)
rt.spawn_local(tostring, failing)
return true
