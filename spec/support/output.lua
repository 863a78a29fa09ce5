--- The output of busted for the runner: a line for each spec, as soon as it has ended. A failure is
--- followed by its place, the expected value and the actual one:
--   not ok TITLE
--   # at        spec/x_spec.lua:12
--   # expected  (number) 1
--   # got       (number) 2
return function(options)
  local busted = require("busted")
  local handler = require("busted.outputHandlers.base")()
  local troubles = {}
  local reason -- why the current spec is skipped

  local function field(name, text)
    text = tostring(text):gsub("%s+$", "")
    if text ~= "" then
      troubles[#troubles + 1] = ("# %-9s %s"):format(name, (text:gsub("\n", "\n#           ")))
    end
  end

  --- Returns the lines of a traceback that are in the spec and its support files, innermost first.
  local function places(traceback)
    local found = {}
    for place in traceback:gmatch("\n%s*([^\n]-%.lua:%d+): in") do
      found[#found + 1] = place
    end
    return found
  end

  local function describe(message, traceback)
    local place, rest = message:match("^([^\n]-%.lua:%d+): (.*)$")
    local frames = places("\n" .. traceback)
    place, rest = place or table.remove(frames, 1), rest or message
    if frames[1] == place then
      table.remove(frames, 1)
    end
    field("at", place or "")
    field("from", table.concat(frames, "\n"))
    local text, got, expected = rest:match("^(.-)\n?Passed in:\n(.*)\nExpected:\n(.*)$")
    if not text then
      return field("error", rest)
    end
    field("error", text)
    field("expected", expected)
    field("got", got)
  end

  local function say(word, element)
    local why = word == "skip" and reason and " [" .. reason .. "]" or ""
    reason = nil
    io.write(word, " ", handler.getFullName(element), why, "\n")
    for _, text in ipairs(troubles) do
      io.write(text, "\n")
    end
    troubles = {}
    io.flush()
  end

  local function on_trouble(element, _, message, trace)
    local text = type(message) == "string" and message or require("pl.pretty").write(message)
    describe(text, trace and trace.traceback or "")
    if element.descriptor ~= "it" then
      say("not ok " .. element.descriptor .. " in", element)
    end
    return nil, true
  end

  local function on_pending(_, _, message)
    reason = tostring(message):gsub("^[^\n]-:%d+: ", "")
    return nil, true
  end

  local function on_end(element, _, status)
    say(status == "success" and "ok" or status == "pending" and "skip" or "not ok", element)
    return nil, true
  end

  local function on_exit()
    io.write("end\n")
    io.flush()
    return nil, true
  end

  handler:subscribe(options)
  busted.subscribe({ "failure" }, on_trouble)
  busted.subscribe({ "error" }, on_trouble)
  busted.subscribe({ "pending" }, on_pending)
  busted.subscribe({ "test", "end" }, on_end)
  busted.subscribe({ "exit" }, on_exit)
  return handler
end
