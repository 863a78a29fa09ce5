--- The handler of unhandled errors waits, at the end, for each of five errors.
local rt = require("rt")

rt.on_unhandled(function(e)
  rt.sleep(0.01)
  print("heard", e)
end)
for i = 1, 5 do
  rt.spawn_local(error, i, 0)
end
rt.yield()
