--- `require` in Lua: a module may wait while it loads. Otherwise as the original.
local package = package

--- What the searchers say when none of them has the module.
local function not_found(name, messages)
  local text = table.concat(messages)
  error("module '" .. name .. "' not found:" .. text, 4)
end

local function find_loader(name)
  local searchers, messages = package.searchers, {}
  if type(searchers) ~= "table" then error("'package.searchers' must be a table", 3) end
  for i = 1, math.huge do
    local searcher = searchers[i]
    if searcher == nil then not_found(name, messages) end
    local loader, extra = searcher(name)
    if type(loader) == "function" then return loader, extra end
    if type(loader) == "string" then messages[#messages + 1] = "\n\t" .. loader end
  end
end

function _G.require(name)
  if type(name) == "number" then name = tostring(name) end
  if type(name) ~= "string" then
    error("bad argument #1 to 'require' (string expected, got " .. (name == nil and "no value" or type(name)) .. ")", 2)
  end
  local loaded = package.loaded
  if loaded[name] then return loaded[name] end
  local loader, extra = find_loader(name)
  local value = loader(name, extra)
  if value ~= nil then loaded[name] = value end
  if loaded[name] == nil then loaded[name] = true end
  return loaded[name], extra
end

return _G.require
