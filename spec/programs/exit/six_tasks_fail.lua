--- Five tasks fail one after the other, in the reverse of the order in which they were spawned; then another one.
local rt = require("rt")

for i = 1, 5 do
  rt.spawn_local(function()
    rt.sleep((6 - i) / 100)
    error("no " .. i, 0)
  end)
end
rt.sleep(0.1)
rt.spawn_local(error, "last", 0)
rt.yield()
