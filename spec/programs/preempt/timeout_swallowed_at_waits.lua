--- A timeout ends what swallows it at every wait, and lets it clean up.
local rt = require("rt")

local function deaf()
  local g <close> = setmetatable({}, {
    __close = function()
      rt.shield(rt.sleep, 0.01)
      io.write("closed ")
    end,
  })
  while true do
    pcall(rt.sleep, 60)
  end
end

local function try()
  return rt.timeout(0.05, deaf)
end
print(rt.timeout(0.05, deaf))
print(rt.spawn_local(try):join())
print(rt.spawn(try):join())
print(rt.timeout(
  0.05,
  coroutine.wrap(function()
    deaf()
  end)
))
print(rt.timeout(0.05, function()
  io.write("twice ")
  while true do
    pcall(function()
      while true do
        pcall(rt.sleep, 60)
      end
    end)
  end
end))
rt.sleep(0.01)
