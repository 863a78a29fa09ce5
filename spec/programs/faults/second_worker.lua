--- Two tasks, of which the first ends only when the second has begun, on a worker of its own; arg[1]:
--- the function that spawns them; arg[2]: a fifo.
local rt = require("rt")

local how, fifo = arg[1], arg[2]
rt.configure { workers = 2, blocking = 2, stall = false }
local begun, come = rt.channel(1), rt.channel(1)

local function first()
  begun:send(true)
  if how == "spawn" then -- (a worker of this pool runs other tasks while one waits)
    return io.open(fifo):read("l")
  end
  return come:recv()
end

local function second()
  if how == "spawn" then
    io.open(fifo, "w"):write("came\n"):close()
  else
    come:send("came")
  end
end

local a = rt[how](first)
begun:recv()
local b = rt[how](second)
print(a:join(), b:join())
