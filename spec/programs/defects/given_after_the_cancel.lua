--- A waiter is cancelled, then something is given: it is left.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()
local things = require("waitables")

local ways = { "wait", "select" }
for _, t in ipairs(things) do
  for _, way in ipairs(ways) do
    local x = t.make()
    local waiter = rt.spawn_local(t[way], x)
    while waiter:status() ~= "waiting" do
      rt.yield()
    end
    waiter:cancel()
    t.give(x)
    assert(not pcall(waiter.join, waiter) and waiter:status() == "cancelled", t[1])
    assert(t.left(x), t[1] .. " lost")
  end
end
-- a permit or lock is given back, also if the cancel has not reached its worker yet
local rounds = math.max(10, 60 * SCALE // 1)
for i = 1, 2 do
  local t = things[i]
  for _, way in ipairs(ways) do
    for _ = 1, rounds do
      local x = t.make()
      local waiter = rt.spawn(t[way], x)
      while not tostring(x):find("1 waiting", 1, true) do
        rt.yield()
      end
      waiter:cancel()
      t.give(x)
      assert(not pcall(waiter.join, waiter), t[1])
      assert(t.left(x), t[1] .. " lost")
    end
  end
end

print("right")
