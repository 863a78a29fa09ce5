-- "Happy eyeballs": of several equivalent servers, the first that answers is used. The next one is
-- tried when one has failed, or after a moment without an answer; the other attempts are cancelled.
-- (rt.tcp.connect does this by itself for all addresses of one name.)
-- Run: build/lua5.4/rt-lua examples/happy_eyeballs.lua
local rt = require("rt")

local MOMENT = 0.1 -- seconds

--- A connection to the i-th server or a later one that has sent its greeting; or nil.
local function connect(servers, i)
  local server = servers[i]
  if not server then
    return nil
  end
  local failed, running = rt.notify(), 2
  --- A success ends the race at once; a failure only if the other function has failed, too.
  local function decide(stream, greeting)
    if not stream then
      running = running - 1
      failed:notify_one()
      if running > 0 then
        rt.sleep(math.huge)
      end
    end
    return stream, greeting
  end

  local function this()
    local stream = rt.tcp.connect(server.host, server.port)
    local greeting = stream and stream:read("l")
    return decide(greeting and stream, greeting)
  end
  local function another()
    rt.timeout(MOMENT, failed.wait, failed)
    return decide(connect(servers, i + 1))
  end
  local _, stream, greeting = rt.race(this, another)
  return stream, greeting
end

-- Three servers: one is down, one accepts and never sends anything, one works.
local function listen()
  local listener = assert(rt.tcp.listen("127.0.0.1", 0))
  local host, port = listener:sock()
  return listener, { host = host, port = port }
end

local down, down_at = listen()
down:close()
local silent <close>, silent_at = listen()
local good <close>, good_at = listen()
rt.spawn_local(function()
  for stream in good:incoming() do
    stream:write("hello\n")
  end
end)

local started = rt.now()
local stream, greeting = connect({ down_at, silent_at, good_at }, 1)
assert(select(2, stream:peer()) == good_at.port and silent)
local took = rt.now() - started
print("the third one said " .. greeting)
print("the first failed at once, the second had a moment", took > MOMENT)
print("and if none is there:", (connect({ down_at, down_at }, 1)))

-- expect: the third one said hello
-- expect: the first failed at once, the second had a moment	true
-- expect: and if none is there:	nil
