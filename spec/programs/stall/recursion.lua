--- Recursions without end, in tasks of the pool; and the traceback of one.
local rt = require("rt")

local function forever()
  return 1 + forever()
end

for _ = 1, 5 do
  assert(not pcall(function()
    rt.spawn(forever):join()
  end))
end

local traces = rt.channel(1)
rt.on_unhandled(function(_, _, trace)
  traces:send(trace)
end)
rt.spawn(forever)
repeat -- until the handle is collected
  collectgarbage()
  rt.sleep(0.01)
until #traces > 0
local trace = traces:recv()
assert(trace:find("^stack traceback:\n\t[^\n]+lua:5: in upvalue 'forever'\n"), trace)
assert(trace:find("\n\t...\t(more than 20000 levels)", 1, true), trace)
