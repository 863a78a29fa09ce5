--- rt.tcp: listening, connecting, and serving with all workers.
local core = require("rt.core")

core.spawns_for_callers()

local listen, with, timeout, shield = core.tcp.listen, core.with, core.timeout, core.shield

--- A connection's task: its stream is closed however the handler ends.
local function handle(stream, handler)
  return with(stream, handler)
end

--- What has been accepted by the system but not by us is not turned away.
local function drain(listener, start)
  local stream = timeout(0, listener.accept, listener)
  while stream do
    start(stream)
    stream = timeout(0, listener.accept, listener)
  end
end

--- The task that accepts: one in each worker, or a single one that hands over.
local function accept(listener, handler, group, how)
  local function start(stream)
    group[how](group, handle, stream, handler)
  end
  local ok, err = pcall(function()
    for stream in listener:incoming() do
      start(stream)
    end
  end)
  shield(1, drain, listener, start)
  if not ok then
    error(err, 0)
  end
end

local function accept_and_close(listener, ...)
  return with(listener, accept, ...)
end

local function is_duration(n)
  return type(n) == "number" and n >= 0
end

local Server = {}
Server.__index = Server
Server.__name = "rt.server"

--- host, port, family
function Server:address()
  return self.host, self.port, self.family
end

--- Accepts no more connections; waits for the handlers that run, for `grace` seconds (5, or the
--- option of that name), then cancels them. Returns when all have ended.
function Server:close(grace)
  grace = grace == nil and self.grace or grace
  if not is_duration(grace) then
    error(
      "bad argument #1 to 'close' (a number of seconds expected, got " .. tostring(grace) .. ")",
      2
    )
  end
  for _, task in ipairs(self.acceptors) do
    task:cancel("the server was closed")
  end
  for _, task in ipairs(self.acceptors) do
    pcall(task.join, task)
  end
  timeout(grace, self.group.wait, self.group)
  if #self.group > 0 then
    self.group:cancel()
    self.group:wait()
  end
end

--- Waits until the server has been closed and its handlers have ended.
function Server:join()
  for _, task in ipairs(self.acceptors) do
    local ok, err = pcall(task.join, task)
    if not ok and task:status() ~= "cancelled" then
      error(err, 0)
    end
  end
  self.group:wait()
end

function Server:__tostring()
  local form = self.host:find(":", 1, true) and "[%s]:%d" or "%s:%d"
  return ("rt.server (" .. form .. ", %d connections)"):format(self.host, self.port, #self.group)
end

function Server:__close()
  self:close()
end

local function is_integer(n, least, most)
  return type(n) == "number" and n >= least and n <= most and n % 1 == 0
end

local function check_address(host, port)
  if type(host) ~= "string" then
    error("bad argument #1 to 'serve' (string expected, got " .. type(host) .. ")", 3)
  end
  if not is_integer(tonumber(port), 0, 65535) then
    error(
      "bad argument #2 to 'serve' (port from 0 to 65535 expected, got " .. tostring(port) .. ")",
      3
    )
  end
end

local function check(options)
  if options ~= nil and type(options) ~= "table" then
    error("bad argument #4 to 'serve' (table expected, got " .. type(options) .. ")", 3)
  end
  core.check_options(options, "tcp.serve", "balance, grace, backlog, nodelay")
  local balance = options and options.balance or "reuseport"
  if balance ~= "reuseport" and balance ~= "handoff" then
    error('option \'balance\': "reuseport" or "handoff" expected', 3)
  end
  local grace = options and options.grace or 5
  if not is_duration(grace) then
    error("option 'grace': a number of seconds expected, got " .. tostring(grace), 3)
  end
  local backlog = options and options.backlog or 1
  if not is_integer(backlog, 1, 65535) then
    error("option 'backlog': an integer from 1 to 65535 expected", 3)
  end
  local nodelay = options and options.nodelay
  if nodelay ~= nil and type(nodelay) ~= "boolean" then
    error("option 'nodelay': boolean expected, got " .. type(nodelay), 3)
  end
  return balance, grace
end

--- Listeners that share a port share it with those of any other program, too, which would take
--- away half of its connections: a port that somebody listens on already is refused, as always.
local function open_first(host, port, wish)
  if wish.reuseport and port ~= 0 then
    local alone, message, code = listen(host, port, { backlog = 1 })
    if not alone then
      return nil, message, code
    end
    alone:close()
  end
  return listen(host, port, wish)
end

--- As many listeners on one port as there are workers; where the system does not spread
--- connections over them, one.
local function open(host, port, options, count)
  local given = options or {}
  local wish = { backlog = given.backlog, nodelay = given.nodelay, reuseport = count > 1 }
  local first, message, code = open_first(host, port, wish)
  if not first then
    return nil, message, code
  end
  local listeners = { first }
  local _, actual = first:sock()
  for i = 2, count do
    listeners[i], message, code = listen(host, actual, wish)
    if not listeners[i] then
      for _, listener in ipairs(listeners) do
        listener:close()
      end
      return nil, message, code
    end
  end
  return listeners
end

--- Serves connections until the server is closed. Returns the server, or nil, message, code.
local function serve(host, port, handler, options)
  check_address(host, port)
  if type(handler) ~= "function" then
    error("bad argument #3 to 'serve' (function expected, got " .. type(handler) .. ")", 2)
  end
  local balance, grace = check(options)
  local spread = balance == "reuseport"
  local listeners, message, code = open(host, port, options, spread and core.workers() or 1)
  if not listeners then
    return nil, message, code
  end
  local server = { group = core.group(), acceptors = {}, grace = grace }
  server.host, server.port, server.family = listeners[1]:sock()
  local accepting = core.group()
  for i, listener in ipairs(listeners) do
    server.acceptors[i] = accepting:spawn_at(
      i,
      accept_and_close,
      listener,
      handler,
      server.group,
      spread and "spawn" or "spread"
    )
  end
  return setmetatable(server, Server)
end

return { listen = listen, connect = core.tcp.connect, serve = serve }
