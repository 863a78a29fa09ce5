--- A __close of a task does not return.
local rt = require("rt")

io.stdout:setvbuf("line")
rt.spawn_local(function()
  local g <close> = setmetatable({}, {
    __close = function()
      print("closing")
      while true do
      end
    end,
  })
  print("ready")
  rt.sleep(60)
end)
rt.sleep(60)
