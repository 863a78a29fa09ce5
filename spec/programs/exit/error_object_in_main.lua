--- An error object comes out of a task; prints if it is the same one.
local rt = require("rt")

local object = {}
local _, e = pcall(rt.run, error, object)
print(e == object)
