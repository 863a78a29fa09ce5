--- Code that ends before its timeout is not interrupted.
local rt = require("rt")
local slow = require("slow")

for _ = 1, 20 do
  local value = rt.timeout(5 * slow, function()
    local x = 0
    for _ = 1, 100000 do
      x = x + 1
    end
    return x
  end)
  assert(value == 100000)
end
print("well")
