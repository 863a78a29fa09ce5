--- Passes a function to rt.preload that has a listener, and prints what happens, and that the listener is still here.
local rt = require("rt")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local ok, err = pcall(rt.preload, function()
  return listener
end)
print(ok, err:match("upvalue 'listener' .*only one task") ~= nil)
print(tostring(listener):match("^rt.listener %(127") ~= nil)
