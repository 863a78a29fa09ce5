--- A statement that SIGINT does not end, for it is in a shield; that asks the program to end, and does
--- not return.
local rt = require("rt")
rt.shield(function()
  os.execute("kill -INT $PPID")
  rt.shutdown(0.1)
  local _ = ("a"):rep(40):find(("a*"):rep(40) .. "b")
end)
