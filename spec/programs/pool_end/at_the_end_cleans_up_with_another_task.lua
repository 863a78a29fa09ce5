--- The program ends while tasks cancel others, which start a task in their cleanup, and join it.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
for _ = 1, 4 do
  rt.spawn(function()
    while true do
      local t = rt.spawn(function()
        local g <close> = setmetatable({}, {
          __close = function()
            rt.shield(function()
              rt.spawn(function()
                rt.yield()
              end):join()
            end)
          end,
        })
        rt.sleep(100)
      end)
      rt.sleep(0.0002)
      t:cancel()
      pcall(t.join, t)
    end
  end)
end
rt.sleep(0.02 + math.random() * 0.01)
