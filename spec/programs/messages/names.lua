local rt = require("rt")
print(select(2, pcall(rt.sleep, {})))

--- Prints the name that a traceback has for the function that calls f.
local function named(f, ...)
  local _, trace = xpcall(f, debug.traceback, ...)
  print(
    trace:match("%[C%]: in function '(rt%.[%w.]+)'")
      or trace:match("in function '(rt%.[%w.]+)'")
      or trace
  )
end

named(rt.critical, function()
  error("x")
end)
named(function()
  rt.sleep("x")
end)
named(function()
  local t = rt.join("x")
  return t
end)
