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
    size = size + #(line or "")
    if code == "EMSGSIZE" or size > HEAD_MOST then
      return nil, "431 Request Header Fields Too Large"
    end
    if not line then
      return nil
    end
    if line == "\r" or line == "" then
      return lines
    end
    lines[#lines + 1] = line
  end
end

--- A table with what the head of a request says; nil if it is not the head of a request.
local function parse(lines)
  local method, path, minor = (lines[1] or ""):match("^(%u+) (%S+) HTTP/1%.([01])\r?$")
  if not method then
    return nil
  end
  local fields = {}
  for i = 2, #lines do
    local name, value = lines[i]:match("^([^%s:]+):%s*(.-)%s*$")
    if not name then
      return nil
    end
    name = name:lower()
    fields[name] = fields[name] and fields[name] .. ", " .. value or value
  end
  local length = (fields["content-length"] or "0"):match("^%d+$")
  if not length or fields["transfer-encoding"] or (minor == "1" and not fields.host) then
    return nil
  end
  local last = minor == "0" or (fields.connection or ""):lower():find("close", 1, true)
  return { method = method, path = path, fields = fields, length = tonumber(length), last = last }
end

--- Reads n bytes and ignores them.
local function skip(stream, n)
  while n > 0 do
    local data = stream:recv(math.min(n, 65536))
    if not data then
      return
    end
    n = n - #data
  end
end

--- Answers the requests of a connection, one after the other. answer(request), where request has
--- method, path and fields, returns the text, and true if the connection is to be closed after it.
function http.serve(accepted, answer)
  local stream <close> = accepted
  local request
  repeat
    local lines, status = read_head(stream)
    request = lines and parse(lines)
    if request then
      if request.fields.expect then
        stream:write("HTTP/1.1 100 Continue\r\n\r\n")
      end
      skip(stream, request.length)
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
