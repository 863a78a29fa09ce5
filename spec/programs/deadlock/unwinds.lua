--- A deadlock of tasks that have <close> variables.
local rt = require("rt")

local function guard(text)
  return setmetatable({}, {
    __close = function()
      print("closed " .. text)
    end,
  })
end
local ch = rt.channel()
local g <close> = guard("main")
rt.spawn(function()
  local g <close> = guard("pool")
  ch:recv()
end)
rt.spawn_local(function()
  local g <close> = guard("local")
  ch:recv()
end)
ch:recv()
