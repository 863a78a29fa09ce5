--- A program that was packed into one file: all modules are in package.preload.
for _, part in ipairs { "init", "builder", "map", "retry", "scope", "task", "tcp", "time" } do
  local file <close> = assert(io.open("lua/rt/" .. part .. ".lua"))
  local name = part == "init" and "rt" or "rt." .. part
  package.preload[name] = assert(load(file:read("a"), "=packed " .. name))
end
local rt = require("rt")
package.path = ""
local results = rt.scope(function(scope)
  return { scope:spawn_local(tostring, 2):join() }
end)
print(results[1], debug.getinfo(rt.scope, "S").source)
