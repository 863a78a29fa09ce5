--- Timeouts of code that computes, in main, a local task and a pool task; and two pool tasks of which
--- one computes until the other one has run, with one worker.
local rt = require("rt")
local spin = require("spin")

local function compute()
  local _, why = require("rt").timeout(0.05, spin.forever)
  return why
end

print(compute())
print(rt.spawn_local(compute):join())
print(rt.spawn(compute):join())

local flag = rt.dict()
local first = rt.spawn(function()
  while not flag:get("set") do
    spin.once()
  end
  return "switched"
end)
rt.spawn(function()
  flag:set("set", true)
end)
print(first:join())
