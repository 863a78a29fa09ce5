--- A timeout ends a __close that never returns, also if it closes others all the time.
local rt = require("rt")
local spin = require("spin")

local function closed_by(f)
  return setmetatable({}, { __close = f })
end

print(rt.timeout(0.05, function()
  local _ <close> = closed_by(spin.forever)
end))

print(rt.timeout(0.05, function()
  local _ <close> = closed_by(function()
    while true do
      local _ <close> = closed_by(spin.once)
    end
  end)
end))
