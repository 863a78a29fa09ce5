--- A function that rt.preload got sets a global variable; twenty tasks read it, then the main chunk does.
local rt = require("rt")

local greeting = "hello"
rt.preload(function()
  rt.sleep(0.01)
  _G.prepared = greeting
end)
rt.preload("string")
local tasks = {}
for i = 1, 20 do
  tasks[i] = rt.spawn(function()
    rt.sleep(0.001)
    return _G.prepared
  end)
end
for i = 1, 20 do
  assert(tasks[i]:join() == "hello")
end
print(_G.prepared)
