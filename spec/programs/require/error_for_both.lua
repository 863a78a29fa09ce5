--- Two tasks require a module that fails after a wait.
local rt = require("rt")

local function get()
  return select(2, pcall(require, "waits_fails"))
end
local a, b = rt.join(get, get)
print(a == b, a:match("after a wait") ~= nil)
