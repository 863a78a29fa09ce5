--- The Redis protocol: reads requests from a stream, and formats answers. It knows no commands.
local find, sub, byte, format = string.find, string.sub, string.byte, string.format

local protocol = {
  OK = "+OK\r\n",
  PONG = "+PONG\r\n",
  NIL = "$-1\r\n",
  NIL_ARRAY = "*-1\r\n",
  ZERO = ":0\r\n",
  ONE = ":1\r\n",
}

-- answers

function protocol.bulk(text)
  return format("$%d\r\n%s\r\n", #text, text)
end

function protocol.integer(n)
  return format(":%d\r\n", n)
end

function protocol.error(text)
  return "-" .. text .. "\r\n"
end

--- An array of answers.
function protocol.array(answers)
  return format("*%d\r\n", #answers) .. table.concat(answers)
end

--- An array of texts.
function protocol.texts(texts)
  local answers = {}
  for i, text in ipairs(texts) do
    answers[i] = protocol.bulk(text)
  end
  return protocol.array(answers)
end

-- requests

local Reader = {}
Reader.__index = Reader

--- Reads requests from a stream. Before it waits for more bytes it calls `idle`, which writes all
--- answers at once, however many requests came together (pipelining).
function protocol.reader(stream, limits, idle)
  return setmetatable({
    stream = stream,
    limits = limits,
    idle = idle,
    buffer = "",
    at = 1, -- position in the buffer of the first byte that was not read yet
  }, Reader)
end

--- Receives more bytes; false at the end of the stream.
local function fill(self)
  self.idle()
  local data = self.stream:recv()
  if not data then
    return false
  end
  self.buffer = sub(self.buffer, self.at) .. data
  self.at = 1
  return true
end

--- The next line; nil at the end of the stream; nil and `too_long` if the line is too long.
local function read_line(self, too_long)
  local from = 0 -- bytes that have been searched
  while true do
    local last = find(self.buffer, "\n", self.at + from, true)
    if last then
      local line = sub(self.buffer, self.at, last - (byte(self.buffer, last - 1) == 13 and 2 or 1))
      self.at = last + 1
      return line
    end
    from = #self.buffer - self.at + 1
    if from > self.limits.inline then
      return nil, too_long
    end
    if not fill(self) then
      return nil
    end
  end
end

--- Reads n bytes and the end of line after them; nil at the end of the stream.
local function read_bulk(self, n)
  local missing = self.at + n + 1 - #self.buffer
  if missing > 0 then
    self.idle()
    local rest = self.stream:read(missing)
    if not rest or #rest < missing then
      return nil
    end
    self.buffer = sub(self.buffer, self.at) .. rest
    self.at = 1
  end
  local text = sub(self.buffer, self.at, self.at + n - 1)
  self.at = self.at + n + 2
  return text
end

local escapes = { n = "\n", r = "\r", t = "\t", b = "\b", a = "\a" }

local function unescape(text, quote)
  if quote == "'" then
    return (text:gsub("\\'", "'"))
  end
  return (
    text:gsub("\\(.)(%x?%x?)", function(c, hex)
      if c == "x" and #hex == 2 then
        return string.char(tonumber(hex, 16))
      end
      return (escapes[c] or c) .. hex
    end)
  )
end

--- The word in quotes that begins at `at`, and the position after it; nil if the quotes are not
--- closed.
local function quoted(line, at, quote)
  local last = at
  repeat
    last = find(line, quote, last + 1, true)
    if not last then
      return nil
    end
    local slashes = #line:sub(at + 1, last - 1):match("\\*$")
  until slashes % 2 == 0
  if find(line, "^%S", last + 1) then
    return nil
  end
  return unescape(sub(line, at + 1, last - 1), quote), last + 1
end

--- The words of a request that is a line of text.
local function split(line)
  local words, at = {}, 1
  while true do
    at = find(line, "%S", at)
    if not at then
      return words
    end
    local c = sub(line, at, at)
    local word
    if c == '"' or c == "'" then
      word, at = quoted(line, at, c)
    else
      word = line:match("^%S+", at)
      at = at + #word
    end
    if not word then
      return nil, "Protocol error: unbalanced quotes in request"
    end
    words[#words + 1] = word
  end
end

local function read_argument(self)
  local line, message = read_line(self, "Protocol error: too big bulk count string")
  if not line then
    return nil, message
  end
  if byte(line) ~= 36 then
    return nil, ("Protocol error: expected '$', got '%s'"):format(sub(line, 1, 1))
  end
  local n = tonumber(line:match("^%$(%d+)$"))
  if not n or n > self.limits.bulk then
    return nil, "Protocol error: invalid bulk length"
  end
  return read_bulk(self, n)
end

--- The next request as a list of strings; nil at the end of the stream; nil and a message if the
--- bytes are not the protocol.
function Reader:request()
  while true do
    local line, message = read_line(self, "Protocol error: too big inline request")
    if not line then
      return nil, message
    end
    if byte(line) ~= 42 then
      local words, wrong = split(line)
      if not words or #words > 0 then
        return words, wrong
      end
    else
      local n = tonumber(line:match("^%*(%-?%d+)$"))
      if not n or n > self.limits.arguments then
        return nil, "Protocol error: invalid multibulk length"
      end
      local request = {}
      for i = 1, n do
        request[i], message = read_argument(self)
        if not request[i] then
          return nil, message
        end
      end
      if n > 0 then
        return request
      end
    end
  end
end

return protocol
