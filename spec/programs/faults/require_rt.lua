--- Requires rt with arg[1] spare descriptors, and uses it with all of them.
local descriptors = require("descriptors")

local kept = descriptors.use_up(tonumber(arg[1]))
local ok, rt = pcall(require, "rt")
print(ok, ok and "" or (tostring(rt):gsub("\n%s*", "; ")))
descriptors.free(kept)
rt = require("rt")
print(rt.spawn(math.max, 1, 2):join())
