--- Prints the code of a lookup for which there is no descriptor, and whether localhost is found then.
local descriptors = require("descriptors")
local rt = require("rt")

local listener = assert(rt.tcp.listen("localhost", 0))
local host, port = listener:sock()
local kept = descriptors.use_up()
local _, _, code = rt.tcp.connect("host.test", port)
descriptors.free(kept)
local stream = assert(rt.tcp.connect("a.localhost", port))
print(code, host, (stream:peer()))
