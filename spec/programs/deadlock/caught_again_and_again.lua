--- The main chunk catches the error of a deadlock, and waits again.
local rt = require("rt")

local ch = rt.channel()
local g <close> = setmetatable({}, {
  __close = function()
    print("closed")
  end,
})
while true do
  pcall(ch.recv, ch)
end
