--- Requires rt with arg[1] spare descriptors, and uses it with all of them.
local kept = {}
while true do
  local file = io.open("/dev/null")
  if not file then
    break
  end
  kept[#kept + 1] = file
end
local function free(n)
  for _ = 1, n do
    table.remove(kept):close()
  end
end
free(tonumber(arg[1]))
local ok, rt = pcall(require, "rt")
print(ok, ok and "" or (tostring(rt):gsub("\n%s*", "; ")))
free(#kept)
rt = require("rt")
print(rt.spawn(math.max, 1, 2):join())
