--- A task of the pool uses a module that cannot be loaded there; prints the error and its traceback.
local rt = require("rt")

package.path = "spec/programs/spawn_values/?.lua;" .. package.path
_G.is_main = true
local m = require("module_that_fails")
local function use()
  return m
end
xpcall(function()
  rt.spawn(use):join()
end, function(e)
  print(e, rt.traceback(e))
end)
