--- Sets a value after it has spawned a task, which prints that value.
local rt = require("rt")

local said = rt.dict()
local function spawner()
  local child = rt.spawn(function()
    return said:get("returned")
  end)
  said:set("returned", "before the child")
  return child
end
print(rt.spawn(rt.critical, spawner):join():join())

local returned
local child = rt.spawn_local(function()
  return returned
end)
returned = "before the child"
print(child:join())
