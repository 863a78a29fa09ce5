--- Reads a line from a connection, and ends with exit code 7 if it is the right one.
local pair = require("pair")

local client, server = pair()
client:write("hello\n")
os.exit(server:read("l") == "hello" and 7 or 8, true)
