-- Two tasks at once: while one sleeps, the other one runs.
-- Run: build/lua5.4/rt-lua examples/hello.lua
local rt = require("rt")

local function greet(name, seconds)
  rt.sleep(seconds)
  print("hello, " .. name)
  return #name
end

local world = rt.spawn_local(greet, "world", 0.1)
local lua = rt.spawn_local(greet, "Lua", 0.05)
print("both are on their way")
print("letters greeted:", world:join() + lua:join())

-- expect: both are on their way
-- expect: hello, Lua
-- expect: hello, world
-- expect: letters greeted:	8
