--- Five tasks fail one after the other, in the reverse of the order in which they were spawned; then another one.
local rt = require("rt")
local wait = require("wait")

local failed = 0
for i = 1, 5 do
  rt.spawn_local(function()
    rt.sleep((6 - i) / 100)
    failed = failed + 1
    error("no " .. i, 0)
  end)
end
wait.until_true(function()
  return failed == 5
end, "the end of all tasks")
rt.spawn_local(error, "last", 0)
rt.yield()
