--- How busted tells the runner what happened: a line for each spec, as soon as it has ended.
return function(options)
  local busted = require("busted")
  local handler = require("busted.outputHandlers.base")()
  local troubles = {}

  local function indented(text)
    return (tostring(text):gsub("%s+$", ""):gsub("\n", "\n#     "))
  end

  local function say(word, element)
    io.write(word, " ", handler.getFullName(element), "\n")
    for _, text in ipairs(troubles) do
      io.write("#     ", indented(text), "\n")
    end
    troubles = {}
    io.flush()
  end

  local function on_trouble(element, _, message, trace)
    local text = type(message) == "string" and message or require("pl.pretty").write(message)
    if trace and trace.traceback and element.descriptor == "it" then
      text = text .. trace.traceback
    end
    troubles[#troubles + 1] = text
    if element.descriptor ~= "it" then
      say("not ok " .. element.descriptor .. " in", element)
    end
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
  busted.subscribe({ "test", "end" }, on_end)
  busted.subscribe({ "exit" }, on_exit)
  return handler
end
