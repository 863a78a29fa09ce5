--- Looks up a name while HOSTALIASES is a pipe without a writer (arg[1]), with a timeout.
local rt = require("rt")
local slow = require("slow")

local function connect()
  local t = rt.now()
  local _, message, code = rt.tcp.connect("hangs", 80, { timeout = 0.1 })
  return code or message, rt.now() - t
end

local code, took = rt.timeout(10 * slow, connect)
if code == "ENOTFOUND" or code == "EAI_AGAIN" then
  print("no lookup: " .. code)
else
  print(code or "none", took and took >= 0.1)
end
-- lets the thread of the lookup go on
rt.spawn_blocking(function(path)
  io.open(path, "w"):close()
end, arg[1]):join()
