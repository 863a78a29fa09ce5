--- A waiter is cancelled while something is given: it has got it, or it is left.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()
local things = require("waitables")

local ways = { "wait", "select" }
local spawns = { rt.spawn, rt.spawn_local }
local rounds = math.max(10, 60 * SCALE // 1)
for _, t in ipairs(things) do
  for _, way in ipairs(ways) do
    for _, spawn in ipairs(spawns) do
      for _ = 1, rounds do
        local x = t.make()
        local waiter = spawn(t[way], x)
        local late = math.random(2) == 1
        local canceller = spawn(function()
          if late then
            rt.yield()
          end
          waiter:cancel()
        end)
        if math.random(2) == 1 then
          rt.yield()
        end
        t.give(x) -- one of the two came first
        canceller:join()
        local got = pcall(waiter.join, waiter)
        local left = t.left(x)
        -- the task that got a lock gives it back
        if t[1] == "lock" then
          assert(left, "somebody dead owns the lock")
        else
          assert(got == not left, t[1] .. (got and " doubled" or " lost"))
        end
      end
    end
  end
end

print("right")
