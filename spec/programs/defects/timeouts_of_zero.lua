--- A wait with a timeout of 0 leaves nothing in the queue.
local rt = require("rt")
require("workers_prelude")()
local things = require("waitables")

local ways = { "wait", "select" }
local spawns = { rt.spawn, rt.spawn_local }
for _, t in ipairs(things) do
  for _, way in ipairs(ways) do
    for _, spawn in ipairs(spawns) do
      local x = t.make()
      spawn(function()
        for _ = 1, 100 do
          assert(select("#", rt.timeout(0, t[way], x)) == 2, t[1])
          rt.timeout(0, rt.timeout, 0, t[way], x)
        end
      end):join()
      t.give(x)
      assert(t.left(x), t[1] .. " went to nobody")
      local waiter = spawn(t[way], x) -- and the object still works
      t.give(x)
      assert(waiter:join(), t[1])
    end
  end
end

print("right")
