--- A task of the pool returns if its package.path is that of the main worker, and an argument of the program.
package.path = package.path .. ";/nowhere/?.lua"
_G.arg[1] = "first"
local rt = require("rt")

local same = package.path
print(rt.spawn(function()
  return package.path == same, arg[1]
end):join())
