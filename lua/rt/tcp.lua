--- rt.tcp: listen and connect, which are written in C, and serve, which serves TCP on all workers.
--
-- A server has acceptors, tasks of the pool that accept connections, and handlers, one task of the
-- pool for each connection. Acceptors and handlers are in groups (rt.core.internal.group), so that
-- server:close can wait for them and cancel them, in whatever states they run.
local core = require("rt.core")
local internal = core.internal
local error, pcall, ipairs, select = error, pcall, ipairs, select
local getmetatable, setmetatable = getmetatable, setmetatable
local type, tonumber, tostring = type, tonumber, tostring
local find, format, match = string.find, string.format, string.match

internal.spawns_for_callers()

local check, class_of, warn, with = internal.check, internal.class_of, internal.warn, internal.with
local listen, sleep, timeout, shield = core.tcp.listen, core.sleep, core.timeout, core.shield
local accept_again = internal.accept_again

-- --- accepting: these functions are sent to the workers ------------------------------------------

--- Seconds between two attempts of an acceptor, and how often it tries to start a handler.
local PAUSE, ATTEMPTS = 0.1, 10

--- Starts handlers for the connections that the system has established already, when the acceptor
--- ends: closing the listener would reset them.
local function start_established(listener, start)
  local stream = timeout(0, listener.accept, listener)
  while stream do
    start(stream)
    stream = timeout(0, listener.accept, listener)
  end
end

local function is_cancel(err)
  return class_of(err) == "rt.Cancelled"
end

--- An acceptor. method: how the group starts a handler, "start" (on this worker, unless another one
--- steals it) or "spread" (on the worker that has the fewest tasks). The task of a connection is
--- with(stream, handler), which closes the stream however the handler ends. The stream moves to it,
--- and the object that is left of it here is used for the next connection.
---
--- It ends when it is cancelled, and in no other way: whatever fails is reported once, until a
--- handler can be started again, and tried again after a pause.
local function accept(listener, handler, group, method)
  local reported = false

  local function pause(what, err)
    if not reported then
      warn(("a server cannot %s: %s; trying again every 100 ms"):format(what, tostring(err)))
    end
    reported = true
    sleep(PAUSE)
  end

  local function start(stream)
    for _ = 1, ATTEMPTS do
      local ok, err = pcall(group[method], group, with, stream, handler)
      if ok or is_cancel(err) then
        reported = false
        return ok or error(err, 0)
      end
      pause("start a handler", err)
    end
    stream:close()
  end

  local function accept_all(failure)
    if failure then
      pause("accept", failure)
    end
    local stream, message
    while true do
      stream, message = accept_again(listener, stream)
      if stream then
        start(stream)
      else
        pause("accept", message)
      end
    end
  end

  local _, err
  repeat
    _, err = pcall(accept_all, err)
  until is_cancel(err)
  shield(1, start_established, listener, start)
  error(err, 0)
end

local function accept_and_close(listener, ...)
  return with(listener, accept, ...)
end

-- --- the server ----------------------------------------------------------------------------------

--- What was given: a number or a string as it is, and anything else by its class.
local function text_of(...)
  local value = ...
  return (type(value) == "number" or type(value) == "string") and tostring(value) or class_of(...)
end

local function is_duration(n)
  return type(n) == "number" and n >= 0
end

--- Fields of a server: `group` of its handlers; `acceptors`, a list of tasks; `grace` in seconds;
--- `host`, `port` and `family` of its address.
local Server = {}
Server.__index = Server
Server.__name = "rt.server"

--- Checks the first argument of a method, and returns it.
local function server_of(name, ...)
  local self = ...
  check(getmetatable(self) == Server, 1, name, "rt.server", class_of, ...)
  return self
end

--- host, port, family
function Server.address(...)
  local self = server_of("address", ...)
  return self.host, self.port, self.family
end

--- Cancels the acceptors, waits `grace` seconds for the handlers to end (without an argument: the
--- option of that name), and then cancels the handlers. All have ended when this returns.
function Server.close(...)
  local self, grace = server_of("close", ...), select(2, ...)
  grace = grace == nil and self.grace or grace
  check(is_duration(grace), 1, "close", "a number of seconds", text_of, grace)
  for i = #self.acceptors, 2, -1 do
    self.acceptors[i]:cancel("the server was closed")
  end
  for i = #self.acceptors, 1, -1 do -- the first may have the socket that spare listeners share
    self.acceptors[i]:cancel("the server was closed")
    pcall(self.acceptors[i].join, self.acceptors[i])
  end
  timeout(grace, self.group.wait, self.group)
  if #self.group > 0 then
    self.group:cancel()
    self.group:wait()
  end
end

--- Waits until the server was closed and its handlers have ended.
function Server.join(...)
  local self = server_of("join", ...)
  for _, task in ipairs(self.acceptors) do
    local ok, err = pcall(task.join, task)
    if not ok and task:status() ~= "cancelled" then
      error(err, 0)
    end
  end
  self.group:wait()
end

function Server:__tostring()
  local status = self.acceptors[1]:status()
  if status ~= "queued" and status ~= "running" and status ~= "waiting" then
    return "rt.server (closed)"
  end
  local form = find(self.host, ":", 1, true) and "[%s]:%d" or "%s:%d"
  return format("rt.server (" .. form .. ", %d connections)", self.host, self.port, #self.group)
end

function Server:__close()
  self:close()
end

-- --- rt.tcp.serve --------------------------------------------------------------------------------

local function is_integer(n, min, max)
  return type(n) == "number" and n >= min and n <= max and n % 1 == 0
end

--- Opens the first listener. Listeners with SO_REUSEPORT share a port with those of other programs,
--- too, and a second server would get half of the connections of the first. So this tries the port
--- without SO_REUSEPORT, which fails if any other program listens on it.
local function open_first(host, port, listen_options)
  if listen_options.reuseport and port ~= 0 then
    local probe, message, code = listen(host, port, { backlog = 1 })
    if not probe then
      return nil, message, code
    end
    probe:close()
  end
  return listen(host, port, listen_options)
end

--- A list of listeners, which closes those that have not moved to an acceptor.
local Listeners = {}
function Listeners:__close()
  for _, listener in ipairs(self) do
    listener:close()
  end
end

--- Opens `count` listeners on one port. Returns true, or nil, message, code.
local function open_listeners(listeners, host, port, options, count)
  local listen_options =
    { backlog = options.backlog, nodelay = options.nodelay, reuseport = count > 1 }
  for i = 1, count do
    local open = i == 1 and open_first or listen
    local host_found
    local listener, message, code = open(host, port, listen_options)
    if not listener then
      return nil, message, code
    end
    listeners[i] = listener
    host_found, port, code = listener:sock()
    if not host_found then
      return nil, port, code
    end
  end
  return true
end

--- Starts an acceptor for each listener, on the worker of the same number. If one cannot be
--- started, nothing is left of the server, and this raises.
local function start_acceptors(server, listeners, handler, method)
  local acceptors = internal.group()
  for i, listener in ipairs(listeners) do
    local ok, task = pcall(
      acceptors.spawn_at,
      acceptors,
      i,
      accept_and_close,
      listener,
      handler,
      server.group,
      method
    )
    if not ok then
      server:close(0)
      error(task, 0)
    end
    server.acceptors[i] = task
  end
end

local function do_nothing() end

--- Starts the workers, and waits until their states are made, which may fail after their threads have
--- been started: by then an acceptor would be lost, with a part of the connections. Returns true, or
--- nil, message, code.
local function start_workers(count)
  local starting, message, code = internal.start_workers(count)
  if not starting then
    return nil, message, code
  end
  local group = internal.group()
  for i, number in ipairs(starting) do
    starting[i] = group:spawn_at(number, do_nothing)
  end
  local failure
  for _, task in ipairs(starting) do
    local ok, err = pcall(task.join, task)
    failure = failure or not ok and err
  end
  if is_cancel(failure) then
    error(failure, 0)
  elseif failure then
    message = tostring(failure)
    return nil, message, match(message, "%f[%u]E%u+%f[:]") or "ENOMEM"
  end
  return true
end

--- Starts a server on so many workers. Returns it, or nil, message, code.
local function start(listeners, workers, handler, method, grace)
  local started, message, code = start_workers(workers)
  if started and workers > 1 then
    started, message, code = internal.take_over(listeners, workers)
  end
  if not started then
    return nil, message, code
  end
  local host, port, family = listeners[1]:sock()
  if not host then
    return nil, port, family
  end
  local server = { group = internal.group(), acceptors = {}, grace = grace }
  server.host, server.port, server.family = host, port, family
  start_acceptors(setmetatable(server, Server), listeners, handler, method)
  return server
end

--- Serves connections until the server is closed: runs handler(stream) in a task of the pool for
--- each. Returns the server, or nil, message, code. With the option balance = "reuseport" each
--- worker has a listener, and the system spreads the connections; with "handoff" one worker has the
--- only listener. While a worker is stuck, the others accept its connections.
local function serve(...)
  local host, port, handler, options = ...
  check(type(host) == "string", 1, "serve", "string", class_of, ...)
  local is_port = port ~= nil and is_integer(tonumber(port), 0, 65535)
  check(is_port, 2, "serve", "port from 0 to 65535", text_of, select(2, ...))
  check(type(handler) == "function", 3, "serve", "function", class_of, select(3, ...))
  internal.check_sendable(handler, 3, "serve")
  check(options == nil or type(options) == "table", 4, "serve", "table", class_of, options)
  internal.check_options(options, "tcp.serve", "balance, grace, backlog, nodelay")
  options = options or {}
  local balance, grace = options.balance or "reuseport", options.grace or 5
  local reuseport, nodelay = balance == "reuseport", options.nodelay
  check(reuseport or balance == "handoff", "option", "balance", '"reuseport" or "handoff"')
  check(is_duration(grace), "option", "grace", "a number of seconds", text_of, grace)
  local backlog = options.backlog == nil and 1 or options.backlog
  check(is_integer(backlog, 1, 65535), "option", "backlog", "an integer from 1 to 65535")
  check(
    nodelay == nil or type(nodelay) == "boolean",
    "option",
    "nodelay",
    "boolean",
    class_of,
    nodelay
  )
  local workers = core.workers()
  local listeners <close> = setmetatable({}, Listeners)
  local opened, message, code =
    open_listeners(listeners, host, port, options, reuseport and workers or 1)
  if not opened then
    return nil, message, code
  end
  return start(listeners, workers, handler, reuseport and "start" or "spread", grace)
end

return { listen = listen, connect = core.tcp.connect, serve = serve }
