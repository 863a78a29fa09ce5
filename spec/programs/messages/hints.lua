-- luacheck: globals string.trim
local rt = require("rt")
string.trim = function(s)
  return s
end
_G.settings = { depth = 1 }
rt.helper = print
local S = string

local function try(title, f)
  local task = rt.spawn(f)
  local _, message = pcall(task.join, task)
  print(title .. ": " .. message:gsub("^[^:]*:%d+: ", ""))
end

try("global field", function()
  return string.trim("x")
end)
try("upvalue field", function()
  return S.trim("x")
end)
try("method", function()
  return ("x"):trim(nil, "y")
end)
try("_G", function()
  return _G.settings.depth
end)
try("module field", function()
  return rt.helper("x")
end)
try("field of a table beside a module", function()
  local t = { now = rt.now, len = S.len }
  return t.helper(S.len, rt.now)
end)
try("other field", function()
  local t = {}
  return t.trim("x")
end)
try("other method", function()
  local t = {}
  return t:trim("x")
end)
print("end")
