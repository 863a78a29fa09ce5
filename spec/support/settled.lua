--- For programs: settled() waits until all tasks that were spawned have ended, and returns rt.metrics() of that moment.
--- It checks that every task has either begun or was cancelled before.
local rt = require("rt")

local function settled()
  local m
  repeat
    rt.sleep(0.001)
    m = rt.metrics()
  until m.spawned == m.done + m.failed + m.cancelled
  assert(m.spawned == m.started + m.unstarted, m.spawned .. " spawned, " .. m.started .. " started")
  return m
end

return settled
