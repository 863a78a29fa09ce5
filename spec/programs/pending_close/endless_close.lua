--- A timeout ends a __close that never returns, also if it closes others all the time, and whatever
--- has called it.
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

local function raised(ok, err)
  assert(not ok)
  error(err, 0)
end

print(rt.timeout(0.05, function()
  raised(pcall(function()
    local _ <close> = closed_by(spin.forever)
    error("while it is closed")
  end))
end))

print(rt.timeout(0.05, function()
  local co = coroutine.create(function()
    local _ <close> = closed_by(spin.forever)
    coroutine.yield()
  end)
  coroutine.resume(co)
  raised(coroutine.close(co))
end))

print(rt.timeout(0.05, function()
  local _ <close> = closed_by(coroutine.wrap(spin.forever))
end))
