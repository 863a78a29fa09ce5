--- The program ends; four tasks call os.exit when they are closed, four others have two variables to close.
local guard = require("guard")
local rt = require("rt")

local up = rt.channel()
for _ = 1, 4 do
  rt.spawn(function()
    local g <close> = setmetatable({}, {
      __close = function()
        os.exit(7, true)
      end,
    })
    up:send(1)
    rt.sleep(1000)
  end)
  rt.spawn(function()
    local g <close> = guard("task", io.stderr)
    local h <close> = setmetatable({}, {
      __close = function()
        local t = os.clock()
        repeat
        until os.clock() - t > 0.01
      end,
    })
    up:send(1)
    rt.sleep(1000)
  end)
end
for _ = 1, 8 do
  up:recv()
end
