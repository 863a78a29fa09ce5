--- TCP streams and listeners. A read or a write suspends the calling task, never the worker.
local core = require("rt.core")

local tcp = core.tcp
local Stream = tcp.stream

local function checked(results, message, ...)
  if results == nil and message then
    error(message, 3)
  end
  return results, message, ...
end

--- Iterates over the lines of the stream, or over what other formats read, as `file:lines` does.
--- Raises if the connection breaks; ends at the end of the stream.
function Stream:lines(...)
  if select("#", ...) > 0 then
    local formats = table.pack(...)
    return function()
      return checked(self:read(table.unpack(formats, 1, formats.n)))
    end
  end
  local read = self.read
  return function()
    local line, message = read(self, "l")
    if line == nil and message then
      error(message, 2)
    end
    return line
  end
end

return { listen = tcp.listen, connect = tcp.connect }
