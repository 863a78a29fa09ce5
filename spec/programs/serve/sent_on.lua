--- Sends a listener of a server from its worker to another one. (A program has no such listener,
--- since only the acceptors of rt.tcp.serve have.) Prints the result, and whether the listener still
--- accepts.
local rt = require("rt")
local internal = require("rt.core").internal

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local host, port = listener:sock()
assert(internal.take_over({ listener }, 1))
local task = rt.spawn(function(l)
  local ok, err = pcall(require("rt").spawn, tostring, l)
  return ok, (tostring(err):gsub("^[^:]*:%d+: ", "")), l:accept() ~= nil
end, listener)
local client <close> = assert(rt.tcp.connect(host, port))
local ok, err, accepts = task:join()
print(ok, err)
print(accepts)
