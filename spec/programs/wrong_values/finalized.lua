--- The finalizer of a table runs after that of a mutex which was made later: finalizers run in the
--- reverse of the order in which the objects were made.
local rt = require("rt")

do
  local last = setmetatable({}, {
    __gc = function(self)
      local ok, message = pcall(self.guard.unlock, self.guard)
      print(ok, message:match("the mutex .*"), tostring(self.guard))
    end,
  })
  last.guard = rt.mutex({}):lock()
end
collectgarbage()
collectgarbage()
