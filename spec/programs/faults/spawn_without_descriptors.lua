--- Spawns a task twice without a descriptor for a worker, and then with many; arg[1] is the function.
local rt = require("rt")

local kept = {}
while true do
  local file = io.open("/dev/null")
  if not file then
    break
  end
  kept[#kept + 1] = file
end
local function try()
  print(pcall(function()
    return rt[arg[1]](function()
      return "ran"
    end):join()
  end))
end
try()
try()
for _, file in ipairs(kept) do
  file:close()
end
try()
