--- The program ends while blocking jobs join tasks that are cancelled then.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
for _ = 1, 8 do
  rt.spawn(function()
    local t = rt.spawn(function()
      rt.sleep(100)
    end)
    for _ = 1, 4 do
      rt.spawn_blocking(function()
        t:join()
      end)
    end
    rt.sleep(100)
  end)
end
rt.sleep(0.05 + math.random() * 0.01)
