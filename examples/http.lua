--- One connection of an HTTP/1.1 server, for the HTTP servers among the examples: keep-alive,
--- pipelining, HEAD, request bodies and limits. It does not depend on workers: a local task or a
--- pool task may serve the stream.
local rt = require("rt")

local http = {}

local HEAD_MOST = 8192 -- bytes of a request line and its fields

local function head(status, length, fields)
  local form = "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n"
  return form:format(status, length, fields or "")
end

--- The lines of a request's head; or nil, and the answer if the client can still read one.
local function read_head(stream)
  local lines, size = {}, 0
  while true do
    local line, _, code = stream:read("l")
    size = size + #(line or "") + 1
    if code == "EMSGSIZE" or size > HEAD_MOST then
      return nil, "431 Request Header Fields Too Large"
    end
    if not line then
      return nil
    end
    if line ~= "\r" and line ~= "" then
      lines[#lines + 1] = line
    elseif #lines > 0 then -- empty lines before a request are ignored
      return lines
    end
  end
end

--- Does the list of words, in any case, that a field has contain this one?
local function has_word(list, word)
  for each in (list or ""):lower():gmatch("[^%s,]+") do
    if each == word then
      return true
    end
  end
  return false
end

--- A table with what the head of a request says; nil if it is not the head of a request.
local function parse(lines)
  local method, path, minor = (lines[1] or ""):match("^(%u+) (%S+) HTTP/1%.([01])\r?$")
  if not method then
    return nil
  end
  local fields = {}
  for i = 2, #lines do
    local name, value = lines[i]:match("^([^%s:]+):%s*(.*)$")
    if not name then
      return nil
    end
    name, value = name:lower(), value:match("^.*%S") or "" -- (".-%s*$" is quadratic)
    fields[name] = fields[name] and fields[name] .. ", " .. value or value
  end
  local length = (fields["content-length"] or "0"):match("^%d+$")
  if not length or fields["transfer-encoding"] or (minor == "1" and not fields.host) then
    return nil
  end
  return {
    method = method,
    path = path,
    fields = fields,
    length = tonumber(length),
    last = minor == "0" or has_word(fields.connection, "close"),
    waits = minor == "1" and has_word(fields.expect, "100-continue"), -- for a 100
  }
end

--- Reads n bytes and ignores them. Returns false if there were fewer.
local function skip(stream, n)
  while n > 0 do
    local data = stream:recv(math.min(n, 65536))
    if not data then
      return false
    end
    n = n - #data
  end
  return true
end

--- Answers the requests of a connection, one after the other. answer(request), where request has
--- method, path and fields, returns the text, and true if the connection is to be closed after it.
function http.serve(accepted, answer)
  local stream <close> = accepted
  local request
  repeat
    local lines, status = read_head(stream)
    request = lines and parse(lines)
    if request and request.waits then
      stream:write("HTTP/1.1 100 Continue\r\n\r\n")
    end
    if request and not skip(stream, request.length) then
      request = nil -- its body was cut short
    end
    if request then
      local text, stop = answer(request)
      request.last = request.last or stop
      local body = request.method ~= "HEAD" and text or ""
      stream:write(head("200 OK", #text, request.last and "Connection: close\r\n"), body)
    elseif lines or status then
      status = status or "400 Bad Request"
      stream:write(head(status, #status + 1, "Connection: close\r\n"), status, "\n")
    end
  until not request or request.last
  -- a close with unread input would reset the connection, and the answer would be lost
  stream:shutdown()
  rt.timeout(1, skip, stream, math.huge)
end

return http
