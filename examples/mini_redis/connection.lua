--- One client: a task reads its requests and answers them in order.
local rt = require("rt")
local commands = require("commands")
local protocol = require("protocol")
local pubsub = require("pubsub")

local connection = {}

local Client = {}
Client.__index = Client

--- Queues an answer. It is written when no request is left in the buffer (protocol.reader).
function Client:answer(text)
  self.answers[#self.answers + 1] = text
  self.waiting = self.waiting + #text
  if self.waiting > 65536 then -- a client that never reads must not fill the memory
    self:flush()
  end
end

--- Writes the answers. To a subscriber they go through its outbox, so that they are not mixed up
--- with messages that other clients publish.
function Client:flush()
  if #self.answers == 0 then
    return
  end
  local text = table.concat(self.answers)
  self.answers, self.waiting = {}, 0
  if self.outbox then
    pubsub.answer(self.outbox, text)
  else
    self.stream:write(text)
  end
end

local function unknown(request)
  local list = {}
  for i = 2, #request do
    list[i - 1] = ("'%s' "):format(request[i]:sub(1, 128))
  end
  local form = "ERR unknown command '%s', with args beginning with: %s"
  return protocol.error(form:format(request[1]:sub(1, 128), table.concat(list)):gsub("[\r\n]", " "))
end

--- The answer to a request; nil: the command has written it.
local function run(client, request)
  local name = request[1]:lower()
  local command = commands[name]
  if not command then
    return unknown(request)
  end
  local n = #request - 1
  if n < command.least or n > command.most then
    return protocol.error(("ERR wrong number of arguments for '%s' command"):format(name))
  end
  if client.subscriptions > 0 and not command.for_subscribers then
    return protocol.error(pubsub.REFUSAL:format(name))
  end
  return command.run(client, table.unpack(request, 2, n + 1))
end

--- Serves a client until it closes the connection or sends QUIT.
function connection.serve(stream, server)
  local client <close> = setmetatable({
    stream = stream,
    server = server,
    answers = {},
    waiting = 0,
    topics = {}, -- to which the client has subscribed
    subscriptions = 0,
  }, Client)
  local reader = protocol.reader(stream, server.limits, function()
    client:flush()
  end)
  local message
  repeat
    local request, wrong = reader:request()
    message = wrong
    local answer = request and run(client, request)
    if answer then
      client:answer(answer)
    end
  until not request or client.leaving
  if message then
    client:answer(protocol.error("ERR " .. message))
  end
  client:finish(message)
end

--- Writes the last answers. The connection is closed when its task has ended.
function Client:finish(in_the_middle)
  self:flush()
  if self.outbox then
    self.leaving = true
    self.outbox:close()
    self.writer:join()
  end
  -- a close with unread input would reset the connection, and the answer would be lost
  if in_the_middle and not self.outbox then
    self.stream:shutdown()
    rt.timeout(1, function()
      repeat
      until not self.stream:recv()
    end)
  end
end

--- Runs however the connection ends: removes the client from all topics.
function Client:__close()
  pubsub.leave(self)
end

return connection
