--- Three tasks that have names and wait. (The spec knows in which lines.)
local rt = require("rt")
local ch = rt.channel()
local function deeper()
  return (ch:recv())
end
local reader = rt.spawn(function()
  rt.current().name = "reader"
  coroutine.wrap(function()
    deeper()
  end)()
end)
local here = rt.spawn_local(function()
  reader:join()
end)
here.name = "here"
here:join()
