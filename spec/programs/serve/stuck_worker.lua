--- One of two workers is in a C function that does not return before it is told to, by the fifo
--- arg[3]. Thirty clients come at once, thirty come one after the other, and ten come again when the
--- worker goes on. arg[1]: the balance; arg[2]: the number of the worker. Prints how many were
--- answered of each, and how long one of the first sixty had to wait at most, in seconds.
local rt = require("rt")
local internal = require("rt.core").internal

local balance, number, fifo = ...
rt.configure { workers = 2, stall = false }
local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  for line in stream:lines() do
    stream:write(line, "\n")
  end
end, { balance = balance }))
local _, port = server:address()

local longest = 0
local function ask(i)
  local from = rt.now()
  local client <close> = assert(rt.tcp.connect("127.0.0.1", port))
  assert(client:write(i, "\n"))
  local answer, message = rt.timeout(30, client.read, client, "l")
  longest = math.max(longest, rt.now() - from)
  if answer ~= tostring(i) then
    print(answer, message)
  end
  return answer == tostring(i) and 1 or 0
end

local function ask_at_once(n)
  local tasks, answered = {}, 0
  for i = 1, n do
    tasks[i] = rt.spawn_local(ask, i)
  end
  for i = 1, n do
    answered = answered + tasks[i]:join()
  end
  return answered
end

ask_at_once(4) -- both workers are there
local begun = rt.channel(1)
local stuck = internal.group():spawn_at(tonumber(number), function()
  -- (critical: were it switched after the message, its worker would accept a connection before it is
  -- stuck, and the handler would be stuck, too)
  return rt.critical(function()
    begun:send(true)
    return io.open(fifo):read("l")
  end)
end)
begun:recv()
longest = 0
local first, second = ask_at_once(30), 0
for i = 1, 30 do
  second = second + ask(i)
end
local wait = longest
io.open(fifo, "w"):write("go on\n"):close()
print(first, second, stuck:join(), ask_at_once(10))
print(wait)
server:close()
