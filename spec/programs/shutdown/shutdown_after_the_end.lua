--- rt.shutdown is called in the cleanup of a task and in a finalizer, when the program has ended;
--- and with arguments that are no number of seconds.
local rt = require("rt")

local late = setmetatable({}, {
  __gc = function()
    rt.shutdown()
  end,
})
rt.spawn_local(function()
  local g <close> = setmetatable({}, {
    __close = function()
      rt.shutdown(0)
      print("closed")
    end,
  })
  rt.sleep(1000)
end)
rt.yield()
print(pcall(rt.shutdown, "soon"))
print(pcall(rt.shutdown, -1))
