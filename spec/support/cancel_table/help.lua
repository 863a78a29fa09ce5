--- What the rows of the cancel table share. (A module is sent by its name, and each state has its
--- own copy. So what all states share, as `my.seen`, is passed as an argument.)
local rt = require("rt")

local help = {}

function help.same(a, b)
  if a ~= b then
    error(("%s here, %s there"):format(a, b))
  end
end

-- Sockets

local function listener(options)
  return assert(rt.tcp.listen("127.0.0.1", 0, options))
end
help.listener = listener

local function connect(l)
  return assert(rt.tcp.connect((l.address or l.sock)(l)))
end
help.connect = connect

--- Returns the two ends of a connection.
function help.pair()
  local l <close> = listener()
  local c = connect(l)
  return l:accept(), c
end

local function same_ends(c, s)
  local _, here = c:sock()
  local _, there = s:peer()
  assert(here == there, "another connection")
end
help.same_ends = same_ends

--- Asserts that the listener accepts, and that its backlog is empty.
function help.accepts(l)
  same_ends(connect(l), l:accept())
end

local function echo(stream)
  rt.shield(function()
    for line in stream:lines("L") do
      stream:write(line)
    end
  end)
end

--- Starts a server, and connects to it; the handler runs until the connection is closed.
function help.serve()
  local server = assert(rt.tcp.serve("127.0.0.1", 0, echo))
  local c = assert(rt.tcp.connect(server:address()))
  c:write("first\n")
  assert(c:read("l") == "first")
  return { server = server, c = c }
end

--- Asserts that the handler still answers, and closes the server.
function help.serves(own)
  own.c:write("again\n")
  assert(own.c:read("l") == "again")
  own.c:close()
  own.server:close(1000)
end

-- Tasks

--- Starts a task of the pool and waits until it has begun; it does its part though the program
--- ends.
local function partner(f)
  local begun = rt.semaphore(0)
  local task = rt.spawn(rt.shield, function()
    begun:release()
    return f()
  end)
  begun:acquire()
  return task
end
help.partner = partner

--- Returns a mutex that a task of the pool holds until a channel lets it continue.
function help.locked()
  local m, has, go = rt.mutex(), rt.semaphore(0), rt.semaphore(0)
  partner(function()
    local _ = m:lock()
    has:release()
    go:acquire()
  end)
  has:acquire()
  return m, go
end

--- Lets the holder continue: then no task holds the mutex, and no task waits for it.
function help.is_free(m, go)
  go:release()
  m:lock():unlock()
  assert(tostring(m) == "rt.mutex (unlocked)")
end

--- Returns a value to close that counts, in the shared dict `seen`, that it was closed.
local function guard(seen, name)
  return setmetatable({}, {
    __close = function()
      seen:incr(name)
    end,
  })
end
help.guard = guard

local function come(my)
  my.seen:incr(my.name .. ": children came")
  return guard(my.seen, my.name .. ": children left")
end

--- The function of child tasks: waits until it is cancelled. (It may be cancelled where it computes.)
function help.rest(my)
  local leaves <close> = rt.critical(come, my)
  rt.sleep(1000)
end

function help.all_children_gone(my)
  local came = my.seen:get(my.name .. ": children came")
  local left = my.seen:get(my.name .. ": children left")
  assert(came == left, ("%s children came, %s left"):format(came, left))
end

return help
