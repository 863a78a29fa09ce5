--- A state without a pool. Reports are expected for the task that ends, for the one that waits (once), and for
--- nothing else.
local rt = require("rt")

local function block()
  os.execute("sleep 0.4")
end
block() -- the main chunk may
rt.spawn_local(function() end):join()
block()
rt.spawn_local(function()
  local t = os.clock()
  while os.clock() - t < 0.3 do
  end
end):join()
io.stderr:write("quiet\n")
rt.spawn_local(block):join()
local waits = rt.spawn_local(function()
  for _ = 1, 2 do
    block()
    rt.sleep(0.01)
  end
end)
waits.name = "waits"
waits:join()
