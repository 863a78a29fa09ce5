--- Values of `stall` that rt.configure does not take.
local rt = require("rt")

print(pcall(rt.configure, { stall = "soon" }))
print(pcall(rt.configure, { stall = true }))
print(pcall(rt.configure, { stall = -1 }))
print(pcall(rt.configure, { stall = 0 / 0 }))
