--- Speaks the Redis protocol, for spec/mini_redis_spec.lua: compares the answers of a server with a
--- record. A record has lines "> request" and below each the answer, a
--- line of the protocol per line; "~" in front of a line says that it is compared as a pattern.
--   rt-lua spec/support/redis_talk.lua PORT <record    prints the record as this server answers it
local rt = require("rt")

local talk = {}

--- Reads one answer; returns the list of its lines.
local function answer(stream, lines)
  local line = assert(stream:read("L"), "the connection ended")
  line = line:gsub("\r\n$", "")
  lines[#lines + 1] = line
  local kind, n = line:sub(1, 1), tonumber(line:sub(2))
  if kind == "$" and n >= 0 then
    lines[#lines + 1] = (
      stream:read(n + 2):gsub("\r\n$", ""):gsub("[\r\n\\]", {
        ["\r"] = "\\r",
        ["\n"] = "\\n",
        ["\\"] = "\\\\",
      })
    )
  elseif kind == "*" then
    for _ = 1, n do
      answer(stream, lines)
    end
  end
  return lines
end
talk.answer = answer

--- Returns the steps of a record: { request =, answer = { line ... } }.
function talk.steps(lines)
  local steps = {}
  for line in lines do
    local request = line:match("^> (.*)$")
    if request then
      steps[#steps + 1] = { request = request, answer = {} }
    elseif #steps > 0 then -- before the first request a record has a comment
      table.insert(steps[#steps].answer, line)
    end
  end
  return steps
end

--- Returns how many answers a request has: SUBSCRIBE has one for each channel.
local function count(request)
  local words = select(2, request:gsub("%S+", ""))
  return request:lower():find("^u?n?subscribe .") and words - 1 or 1
end

--- Sends the requests, each after the answer to the one before, or all at once. Returns the
--- answers.
function talk.ask(port, steps, pipelined)
  local stream <close> = assert(rt.tcp.connect("127.0.0.1", port))
  local answers, requests = {}, {}
  for i, step in ipairs(steps) do
    requests[i] = step.request .. "\r\n"
  end
  if pipelined then
    stream:write(table.concat(requests))
  end
  for i, step in ipairs(steps) do
    if not pipelined then
      stream:write(requests[i])
    end
    answers[i] = {}
    for _ = 1, count(step.request) do
      answer(stream, answers[i])
    end
  end
  return answers
end

if arg and arg[0]:find("redis_talk.lua$") then
  local steps = talk.steps(io.lines())
  for i, lines in ipairs(talk.ask(arg[1], steps)) do
    print("> " .. steps[i].request)
    print(table.concat(lines, "\n"))
  end
end

return talk
