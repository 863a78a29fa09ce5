--- A wait is cancelled after a moment, or it succeeds: the next wait of the task is not woken.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()
local things = require("waitables")

local ways = { "wait", "select" }
local rounds = math.max(10, 60 * SCALE // 1)
for _, t in ipairs(things) do
  for _, way in ipairs(ways) do
    local x, quiet = t.make(), rt.channel(0)
    for _ = 1, rounds do
      local patience = math.random() * 0.0002
      local waiter = rt.spawn(function()
        -- success and cancel come at the same time: in both cases the next wait has to wait
        local got = rt.timeout(patience, t[way], x)
        local r, why = rt.timeout(0.0005, quiet.recv, quiet)
        assert(r == nil and why == "timeout", t[1])
        return got
      end)
      if math.random(2) == 1 then
        rt.yield()
      end
      t.give(x)
      if waiter:join() == nil then
        assert(t.left(x), t[1] .. " lost")
      elseif t.kept then
        t.kept(x)
      end
    end
  end
end

print("right")
