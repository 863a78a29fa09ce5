--- Everything that Lua files of rt do, after all globals and the functions of string, table and math
--- have been hidden from them.
local rt = require("rt")
local G = {}
for _, library in ipairs { "_G", "string", "table", "math" } do
  G[library] = {}
  for name, value in pairs(_G[library]) do
    G[library][name] = value
  end
end
local hidden = { "string", "table", "math" }
local function hide()
  for _, library in G._G.ipairs(hidden) do
    for name in G._G.pairs(G[library]) do
      _G[library][name] = nil
    end
  end
  for name in G._G.pairs(G._G) do
    if name ~= "_G" then
      _G[name] = nil
    end
  end
end
local function show()
  for library, fields in G._G.pairs(G) do
    for name, value in G._G.pairs(fields) do
      G._G[library][name] = value
    end
  end
  for name, value in G._G.pairs(G._G) do
    _G[name] = value
  end
end

local pcall, print, pack, tostring = pcall, print, table.pack, tostring
--- Prints what f returns while the globals are hidden.
local function try(title, f)
  hide()
  local results = pack(pcall(f))
  show()
  for i = 1, results.n do
    results[i] = tostring(results[i]):gsub("^.-:%d+: ", "")
  end
  print(title, table.concat(results, " ", 1, results.n))
end

local function fails()
  local nothing = nil
  return nothing.field
end

try("run", function()
  return rt.run(function()
    return 1, 2
  end)
end)
try("join", function()
  return rt.join(
    function()
      return 1
    end,
    rt.spawn_local(function()
      return 2
    end)
  )
end)
try("race", function()
  return rt.race(function()
    return "first"
  end, function()
    rt.sleep(1000)
  end)
end)
local slept = true
try("scope", function()
  rt.scope(function(scope)
    scope:spawn_local(function()
      rt.sleep(1000)
      slept = false
    end)
    scope:spawn_local(fails)
  end)
end)
assert(slept)
try("several", function()
  local _, err = pcall(rt.scope, function(scope)
    scope:spawn_local(fails)
    scope:spawn_local(fails)
    scope.text = tostring(scope)
  end)
  return tostring(err)
end)
for _, policy in ipairs { "any", "first", "settle" } do
  try(policy, function()
    return rt.scope(function(scope)
      scope:spawn(function()
        return 1
      end)
    end, policy)
  end)
end
try("interval", function()
  local tick = rt.interval(0.001, { missed = "skip" })
  return tick(), tick(), tostring(tick)
end)
try("misuse", function()
  return pcall(rt.interval, 0)
end)
try("serve", function()
  local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
    stream:write(stream:read("L"))
  end)
  local host, port = server:address()
  local stream = rt.tcp.connect(host, port)
  stream:write("answer\n")
  local answer = stream:read()
  stream:close()
  server:close()
  return answer
end)
