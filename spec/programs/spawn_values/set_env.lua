-- Three tasks of one worker run the same function, and one of them sets its _ENV.
local rt = require("rt")
local first, last = rt.channel(0), rt.channel(0)

local function f(own, entered, go)
  if own then
    _ENV = { x = "mine" }
  end
  entered:send(true)
  go:recv()
  return _ENV.x
end

local plain = rt.spawn(f, false, first, last)
first:recv()
local with_own = rt.spawn(f, true, first, last)
first:recv()
last:send(true)
last:send(true)
print(plain:join(), with_own:join())
local after = rt.spawn(f, false, first, last)
first:recv()
last:send(true)
print(after:join())
