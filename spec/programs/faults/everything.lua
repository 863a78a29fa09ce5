--- Uses most features of rt, in steps that do not depend on each other. Writes a line for each:
--- "ok STEP", or "error STEP: TEXT" for each error that it got, "wrong STEP: TEXT" for a result that
--- no error explains, "lost STEP: n of m" for connections that were established and not answered,
--- "stuck STEP" for one that takes too long. The last line is "end", or those of
--- errors that no task has joined.
local rt = require("rt")
local slow = require("slow")

io.stdout:setvbuf("line")
rt.configure { workers = 2, blocking = 2, stall = 60 }

local troubles

local function write(...)
  io.write(table.concat { ... }, "\n")
end

local function report(name, ...)
  troubles = troubles + 1
  write("error ", name, ": ", (tostring(...):gsub("\n.*", "")))
end

--- Runs f(name). It returns true, or nothing if it has reported its troubles, or nil and a message.
local function step(name, f)
  troubles = 0
  local ok, result, message = pcall(rt.timeout, 8 * slow, function()
    local good, text = f(name)
    return { good, text }
  end)
  if not ok then
    report(name, result)
  elseif result == nil then
    write("stuck ", name, ": ", tostring(message))
  elseif result[2] ~= nil then
    report(name, result[2])
  elseif troubles == 0 and not result[1] then
    write("wrong ", name, ": ", tostring(result[1]))
  elseif troubles == 0 then
    write("ok ", name)
  end
end

local function same(a, b)
  return a == b or nil, a ~= b and ("%s instead of %s"):format(a, b) or nil
end

rt.on_unhandled(function(err)
  write("error unhandled: ", (tostring(err):gsub("\n.*", "")))
end)

-- --- one state -----------------------------------------------------------------------------------

step("channel", function()
  local ch, sum = rt.channel(2), 0
  local producer = rt.spawn_local(function()
    for i = 1, 10 do
      ch:send(i)
    end
    ch:close()
  end)
  for n in ch:iter() do
    sum = sum + n
  end
  producer:join()
  return same(sum, 55)
end)

step("timers", function()
  local tick = rt.interval(0.001)
  tick()
  tick()
  rt.sleep(0.001)
  local which = rt.select(rt.sleep_op(0.001), rt.channel(1):recv_op())
  return same(which, 1)
end)

-- --- the pool ------------------------------------------------------------------------------------

for i = 1, 3 do
  step("spawn " .. i, function()
    local a, b = rt.spawn(math.max, 1, 2), rt.spawn(math.min, 1, 2)
    return same(a:join() + b:join(), 3)
  end)
end

step("blocking", function()
  local a, b = rt.spawn_blocking(math.max, 4, 2), rt.spawn_blocking(math.max, 5, 2)
  return same(a:join() + b:join(), 9)
end)

step("shared", function()
  local dict, mutex, permits = rt.dict(), rt.mutex { n = 0 }, rt.semaphore(1)
  rt.join(function()
    dict:incr("n", 1)
  end, function()
    permits:with(function()
      mutex:with(function() end)
    end)
  end)
  return same(dict:get("n"), 1)
end)

step("scope", function()
  local sum = 0
  rt.scope(function(s)
    local a = s:spawn(math.max, 1, 2)
    sum = sum + a:join()
  end)
  return same(sum + rt.race(function()
    return 1
  end), 3)
end)

step("computing", function()
  local ended = rt.timeout(0.02, function()
    while true do
    end
  end)
  local there = rt.spawn(function()
    return require("rt").timeout(0.02, function()
      while true do
      end
    end)
  end)
  return same(ended or there:join(), nil) and true
end)

step("dump", function()
  local file <close> = assert(io.open("/dev/null", "w"))
  rt.dump(file)
  return #rt.tasks() > 0 and rt.metrics() ~= nil
end)

-- --- sockets -------------------------------------------------------------------------------------

step("resolve", function()
  for i = 1, 3 do
    local stream, message = rt.tcp.connect("host.fault", 1)
    if stream or not message:find("ECONNREFUSED", 1, true) then
      return nil, message or "connected to port 1"
    end
  end
  return true
end)

--- Both ends in one state.
for i = 1, 3 do
  step("tcp " .. i, function(name)
    local listener, message = rt.tcp.listen("127.0.0.1", 0)
    if not listener then
      return nil, message
    end
    local l <close> = listener
    local host, port = l:sock()
    if not host then
      return nil, port
    end
    local server = rt.spawn_local(function()
      local accepted, why = l:accept()
      if not accepted then
        l:close() -- (its connection is reset)
        return report(name .. ", accept", why)
      end
      local stream <close> = accepted
      local line, not_read = stream:read("l")
      if not line then
        return not_read and report(name .. ", server", not_read)
      end
      local written, not_written = stream:write(line, "\n", "bye\n")
      if not written then
        report(name .. ", server", not_written)
      end
    end)
    local connected, refused = rt.tcp.connect("127.0.0.1", port, { timeout = 5 * slow })
    if not connected then
      server:cancel()
      return nil, refused
    end
    local stream <close> = connected
    local good = false
    local peer, no_peer = stream:peer()
    if not peer then
      report(name, no_peer)
    end
    local written, not_written = stream:write("hello\n")
    if not written then
      report(name, not_written)
    else
      local down, not_down = stream:shutdown()
      if not down then
        report(name, not_down)
      end
      local text, not_read = stream:read("a")
      if not text then
        report(name, not_read)
      end
      good = text == "hello\nbye\n"
    end
    stream:close()
    rt.timeout(1 * slow, server.join, server)
    server:cancel()
    return good
  end)
end

--- Says what became of each connection of a handler. (A table would not reach the handler.)
local said = rt.channel(100)

local function handler(stream)
  local line, message = stream:read("l")
  if not line then
    said:send(message or "closed")
    return
  end
  local written, why = stream:write(line:upper(), "\n")
  if not written then
    said:send(why)
  end
end

local CLIENTS = 4

--- Each client makes a connection, and counts as lost if it is neither answered nor an error of its
--- own or of its handler says why. A listener that has failed has said why, too.
local function clients(name, port)
  local unanswered, closed = 0, 0
  local tasks = {}
  for i = 1, CLIENTS do
    tasks[i] = rt.spawn_local(function()
      local stream, message = rt.tcp.connect("127.0.0.1", port, { timeout = 5 * slow })
      if not stream then
        report(name .. ", connect", message)
        return
      end
      local c <close> = stream
      local written, not_written = c:write("hello ", i, "\n")
      if not written then
        report(name .. ", client", not_written)
        return
      end
      local answer, not_read = rt.timeout(5 * slow, c.read, c, "l")
      if answer == "HELLO " .. i then
        return
      end
      unanswered = unanswered + 1
      if answer then
        write("wrong ", name, ": ", answer)
      elseif not_read == "timeout" then
        write("lost ", name, ": no answer")
      elseif not_read then
        report(name .. ", client", not_read)
      else
        closed = closed + 1
      end
    end)
  end
  for i = 1, CLIENTS do
    tasks[i]:join()
  end
  return unanswered, closed
end

for _, balance in ipairs { "reuseport", "handoff", "reuseport" } do
  step("serve " .. balance, function(name)
    local server, message = rt.tcp.serve("127.0.0.1", 0, handler, { balance = balance, grace = 1 })
    if not server then
      return nil, message
    end
    local s <close> = server
    local _, port = s:address()
    local unanswered, closed = clients(name, port)
    server:close()
    local explained = 0
    while true do
      local which, text = rt.select_biased(said:recv_op(), rt.default_op())
      if which == 2 then
        break
      end
      explained = explained + 1
      report(name .. ", handler", text)
    end
    if closed > 0 then
      write("closed ", name, ": ", closed, " without an answer, ", explained, " handlers said why")
    end
    return unanswered == 0
  end)
end

local guard <close> = setmetatable({}, {
  __close = function()
    write("end")
  end,
})
local ok, message = pcall(rt.spawn, function()
  require("rt").shutdown(2)
end)
if not ok then
  troubles = 0
  report("shutdown", message)
  rt.shutdown(2)
end
rt.sleep(8 * slow)
write("stuck shutdown")
