--- Spawns a task twice without a descriptor for a worker, and then with many; arg[1] is the function.
local descriptors = require("descriptors")
local rt = require("rt")

local kept = descriptors.use_up()
local function try()
  print(pcall(function()
    return rt[arg[1]](function()
      return "ran"
    end):join()
  end))
end
try()
try()
descriptors.free(kept)
try()
