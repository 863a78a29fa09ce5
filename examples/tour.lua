-- A tour of rt: a TCP server and a hundred clients in one program. It checks every answer, and
-- prints what was done and how long that took.
-- Run: make run        or: build/lua5.4/rt-lua examples/tour.lua
local rt = require("rt")

local CLIENTS, LINES = 100, 20
local streams, servers = {}, {} -- the streams of the clients; the tasks that serve them

--- Serves one client: for a line "seconds text" it sleeps that long and sends the text back.
local function serve(accepted)
  local stream <close> = accepted
  local lines = 0
  for line in stream:lines() do
    local seconds, text = line:match("^(%S+) (.*)$")
    rt.sleep(tonumber(seconds))
    stream:write(text, "\n")
    lines = lines + 1
  end
  return lines
end

local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0)) -- any free port
local _, port = listener:sock()
rt.spawn_local(function()
  for stream in listener:incoming() do
    servers[#servers + 1] = rt.spawn_local(serve, stream)
  end
end)

local function expect(i, text)
  local got = streams[i]:read("l")
  if got ~= text then
    error(("client %d expected %q and got %q"):format(i, text, got))
  end
end

local function ask(i, seconds, text)
  streams[i]:write(seconds, " ", text, "\n")
  expect(i, text)
end

local function row(name, what, took)
  print(("  %-8s  %-52s  %10s"):format(name, what, took))
end

--- Runs f(i) for each client, all at once. Prints and returns the sum of the results.
local function step(name, what, f)
  local started, tasks, sum = rt.now(), {}, 0
  for i = 1, CLIENTS do
    tasks[i] = function()
      return f(i)
    end
  end
  for _, n in ipairs { rt.join(table.unpack(tasks)) } do
    sum = sum + n
  end
  row(name, what:format(sum), ("%.1f ms"):format((rt.now() - started) * 1000))
  return sum
end

local started = rt.now()
print(("rt %s: a TCP server and %d clients, on one thread\n"):format(rt.version, CLIENTS))
row("step", "what happened", "took")
row(("-"):rep(8), ("-"):rep(52), ("-"):rep(10))

step("connect", "%d clients are connected", function(i)
  streams[i] = assert(rt.tcp.connect("127.0.0.1", port))
  return 1
end)

step("talk", "%d lines went there and back", function(i)
  for n = 1, LINES do
    ask(i, 0, ("line %d of client %d"):format(n, i))
  end
  return LINES
end)

step("sleep", "%.1f s of sleep before the answers, all at once", function(i)
  local seconds = 0.1 + i / 500
  ask(i, seconds, "good morning " .. i)
  return seconds
end)

step("timeout", "%d gave up a slow answer, and read it later", function(i)
  local slow = i % 2 == 0
  local _, why = rt.timeout(0.25, ask, i, slow and 0.5 or 0, "answer " .. i)
  if (why == "timeout") ~= slow then
    error("client " .. i .. ": a wrong timeout")
  end
  if not slow then
    return 0
  end
  expect(i, "answer " .. i) -- a timeout loses nothing
  return 1
end)

local lines = step("close", "%d lines passed, as the server counts them", function(i)
  streams[i]:close()
  return servers[i]:join()
end)
assert(lines == CLIENTS * (LINES + 2), "the server missed a line")

print(("\nEvery answer was right. %.2f s in all."):format(rt.now() - started))

-- expect~: rt %d+%.%d+%.%d+: a TCP server and 100 clients, on one thread
-- expect:
-- expect:   step      what happened                                               took
-- expect:   --------  ----------------------------------------------------  ----------
-- expect~:   connect   100 clients are connected                        +%d+%.%d ms
-- expect~:   talk      2000 lines went there and back                   +%d+%.%d ms
-- expect~:   sleep     20%.1 s of sleep before the answers, all at once +%d+%.%d ms
-- expect~:   timeout   50 gave up a slow answer, and read it later      +%d+%.%d ms
-- expect~:   close     2200 lines passed, as the server counts them     +%d+%.%d ms
-- expect:
-- expect~: Every answer was right%. %d%.%d%d s in all%.
