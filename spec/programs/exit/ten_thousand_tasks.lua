--- The main chunk ends while 10,000 tasks sleep; prints how many of them were closed.
local rt = require("rt")

local n = 0
local meta = {
  __close = function()
    n = n + 1
  end,
}
_G.at_end = setmetatable({}, {
  __gc = function()
    print(n)
  end,
})
for _ = 1, 10000 do
  rt.spawn_local(function()
    local g <close> = setmetatable({}, meta)
    rt.sleep(1000)
  end)
end
rt.yield()
