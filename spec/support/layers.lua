--- Checks the dependencies between the folders of src/ against the table of src/README.md.
--   lua5.4 spec/support/layers.lua [ROOT]
-- The table is the allow-list: its first column is a folder, its second the folders that this one may
-- include, its third says "yes" if it may include the headers of Lua. An include that the table does not
-- list is an error, even if it points down. Prints each error; exit code 1 if there is one.
local root = arg and arg[1] or "."

local errors = {}
local function report(...)
  errors[#errors + 1] = string.format(...)
end

--- The headers that only `base` may include; base/base.h has names for what they offer.
local PLATFORM_HEADERS = { ["pthread.h"] = true, ["stdatomic.h"] = true, ["time.h"] = true }
local LUA_HEADERS = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

local function lines_of(command)
  local lines = {}
  for line in io.popen(command):lines() do
    lines[#lines + 1] = line
  end
  return lines
end

--- Reads the table: rows "| `folder` | `a` `b` | yes | text |", and which files each folder's section names.
local order, may_include, may_use_lua, named = {}, {}, {}, {}
local section
for line in io.lines(root .. "/src/README.md") do
  local folder, edges, lua = line:match("^| `([%w_/]+)/` |([^|]*)| (%l*) *|")
  local heading = line:match("^### `([%w_/]+)/`")
  if folder then
    order[#order + 1] = folder
    may_include[folder], may_use_lua[folder] = {}, lua == "yes"
    for other in edges:gmatch("`([%w_/]+)`") do
      if not may_include[other] then
        report("src/README.md: %s/ may include %s/, which has no row above it", folder, other)
      end
      may_include[folder][other] = true
    end
  elseif heading then
    section = heading
    named[section] = named[section] or {}
  elseif line:match("^##? ") then
    section = nil
  elseif section then
    local name = line:match("^| `([%w_]+)` |")
    if name then
      named[section][name] = true
    end
  end
end

--- The files, and the file that each includes: by path without the suffix.
local includes, folders = {}, {}
local function check_include(path, folder, other, header)
  local other_folder = header:match("^(.*)/")
  if not other_folder then
    report('%s includes "%s": name it by its path below src/', path, header)
  elseif other_folder ~= folder and not (may_include[folder] or {})[other_folder] then
    report("%s includes %s: %s/ may not include %s/", path, header, folder, other_folder)
  end
  includes[path:match("src/(.*)%.[ch]$")][other] = true
end

for _, path in ipairs(lines_of("cd '" .. root .. "' && find src -name '*.[ch]' | sort")) do
  local file = path:match("src/(.*)%.[ch]$")
  local folder = file:match("^(.*)/") or ""
  folders[folder] = true
  includes[file] = includes[file] or {}
  if not may_include[folder] then
    report("%s: the folder has no row in src/README.md", path)
  elseif not (named[folder] or {})[file:match("[^/]*$")] then
    report("%s is not named in the section of its folder in src/README.md", path)
  end
  for line in io.lines(root .. "/" .. path) do
    local header = line:match('^#%s*include%s+"(.*)"')
    local system = line:match("^#%s*include%s+<(.*)>")
    if header and header:gsub("%.h$", "") ~= file then
      check_include(path, folder, (header:gsub("%.h$", "")), header)
    elseif system and PLATFORM_HEADERS[system] and folder ~= "base" then
      report("%s includes <%s>: only base/ may", path, system)
    elseif system and LUA_HEADERS[system] and may_include[folder] and not may_use_lua[folder] then
      report("%s includes <%s>: %s/ knows no Lua", path, system, folder)
    end
    --- What Lua sees is reached by rtL_open_… alone: such a file has no header that others could include.
    if folder:match("^lib") and path:match("%.c$") and line:match("^void rtL_open_") then
      if io.open(root .. "/src/" .. file .. ".h") then
        report("%s defines %s, so it must have no header", path, line:match("rtL_open_[%w_]+"))
      end
    end
  end
end

for _, folder in ipairs(order) do
  if not folders[folder] then
    report("src/README.md has a row for %s/, which is not there", folder)
  end
  for name in pairs(named[folder] or {}) do
    if not includes[folder .. "/" .. name] then
      report("src/README.md names %s/%s, which is not there", folder, name)
    end
  end
end

--- Circles between files. Between folders the order of the rows excludes them, so they are looked for
--- only if no edge is wrong: one wrong edge closes many.
local state = {}

--- The part of a path that begins with its last file.
local function circle_of(path)
  local first = 1
  while path[first] ~= path[#path] do
    first = first + 1
  end
  return table.concat(path, " -> ", first)
end

local function visit(file, path)
  if state[file] == "done" then
    return
  end
  path[#path + 1] = file
  if state[file] == "open" then
    report("circle: %s", circle_of(path))
  else
    state[file] = "open"
    for other in pairs(includes[file] or {}) do
      visit(other, path)
    end
    state[file] = "done"
  end
  path[#path] = nil
end
if #errors == 0 then
  for file in pairs(includes) do
    visit(file, {})
  end
end

if #errors > 0 then
  table.sort(errors)
  io.stderr:write(table.concat(errors, "\n"), "\n")
  os.exit(1)
end
print("layers: every include is on the list of src/README.md")
