--- A program keeps os.execute, and a command that it has begun, and drops all else of rt.
require("rt")
local execute, exit = os.execute, os.exit
local command = assert(io.popen("echo read"))
local registry = debug.getregistry()

rawset(os, "execute", nil)
rawset(os, "exit", nil)
rawset(io, "popen", nil)
for key in pairs(package.loaded) do
  if key:find("^rt") then
    package.loaded[key] = nil
  end
end
coroutine, package, print = nil, nil, nil
for key, value in pairs(registry) do
  if type(key) ~= "string" and type(value) ~= "thread" and value ~= _G then
    registry[key] = nil
  end
end
for _ = 1, 3 do
  collectgarbage()
end

io.write(tostring(execute("exit 0")), "\n")
io.write(command:read("l"), "\t", tostring(command:close()), "\n")
exit(0, true)
