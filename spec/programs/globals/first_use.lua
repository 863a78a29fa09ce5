--- The names of rt that are written in Lua are loaded at first use, whatever package.path is by then.
local rt = require("rt")
local names =
  { "builder", "call", "each", "interval", "join", "map", "race", "retry", "run", "scope", "tcp" }
for _, name in ipairs(names) do
  assert(rawget(rt, name) == nil, name)
end
rt.spawn(print, "spawned"):join() -- (the workers get the paths)
package.path, package.cpath = "", ""
print(#rt.map(2, { 1, 2 }, tostring), rawget(rt, "map") == rt.map, package.loaded["rt.map"] ~= nil)
-- A worker that has not used the name receives the function.
print(rt.spawn(rt.retry, { tries = 1 }, function()
  return rt.retry == rawget(rt, "retry")
end):join())
print(rt.tcp == require("rt.tcp"), rt.nothing)
local count = 0
for name in pairs(rt) do
  count = count + 1
  assert(rawget(rt, name) ~= nil, name)
end
for _, name in ipairs(names) do
  assert(rawget(rt, name) ~= nil, name)
end
print(count > 40)
