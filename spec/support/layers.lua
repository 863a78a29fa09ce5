--- Checks the dependencies between the folders of src/ against the tables of src/README.md.
--   lua5.4 spec/support/layers.lua [ROOT]
-- The table of folders is an allow-list: its first column is a folder, its second the folders that
-- this one may include, its third says "yes" if it may include the headers of Lua. The table of
-- headers says which folders may include which headers of the system. An include that is not listed
-- is an error, even if it points down. Prints each error; the exit code is 1 if there is one.
-- The files are read as a compiler reads them: lines that end with a backslash are joined, and a
-- comment is a space. A directive whose header cannot be read from its text is an error.
package.path = "spec/support/?.lua;" .. package.path
local source = require("source")

local root = arg and arg[1] or "."

local errors = {}
local function report(...)
  errors[#errors + 1] = string.format(...)
end

local LUA_HEADERS = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

--- The one include of a macro: the model build adds a file to base/base.h (src/README.md).
local MODEL_INCLUDE = { path = "src/base/base.h", directive = "#include RT_MODEL" }

--- The one header of lib/ that declares functions rtL_open_…
local OPENERS = "src/lib/lib.h"

--- What src/README.md says. The rows of the two tables are
---   | `folder/` | `folder` `folder` | yes | text |   and   | `<x.h>` `<y.h>` | `folder` `folder` |
--- and the section of each folder names its files.
local order, may_include, may_use_lua, named = {}, {}, {}, {}
--- By header of the system: "any", or a list of folders, which is also a set.
local may_include_header = {}
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
  elseif line:match("^| `<") then
    local headers, allowed = line:match("^|([^|]*)|([^|]*)|")
    local list = {}
    for other in allowed:gmatch("`([%w_/]+)`") do
      list[#list + 1], list[other] = other .. "/", true
    end
    for header in headers:gmatch("`<([^>]*)>`") do
      may_include_header[header] = allowed:match("any folder") and "any" or list
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

--- The files that each file includes: by path without the suffix.
local includes, folders = {}, {}

local function check_include(path, file, folder, header)
  local other = header:gsub("%.h$", "")
  local other_folder = header:match("^(.*)/")
  if other == file then
    return
  elseif not other_folder then
    report('%s includes "%s": name it by its path below src/', path, header)
  elseif other_folder ~= folder and not (may_include[folder] or {})[other_folder] then
    report("%s includes %s: %s/ may not include %s/", path, header, folder, other_folder)
  end
  includes[file][other] = true
end

local function check_system_include(path, folder, header)
  local allowed = may_include_header[header]
  if LUA_HEADERS[header] then
    if may_include[folder] and not may_use_lua[folder] then
      report("%s includes <%s>: %s/ knows no Lua", path, header, folder)
    end
  elseif not allowed then
    report("%s includes <%s>, which src/README.md does not list", path, header)
  elseif allowed ~= "any" and not allowed[folder] then
    report("%s includes <%s>: only %s may", path, header, table.concat(allowed, ", "))
  end
end

--- Returns the index of the last character of the string or character constant at `first`.
local function end_of_literal(text, first)
  local mark, last = text:sub(first, first), first + 1
  while last < #text and not text:sub(last, last):match("[\n" .. mark .. "]") do
    last = last + (text:sub(last, last) == "\\" and 2 or 1)
  end
  return last
end

--- Returns the text of a C file with its continued lines joined, and a space for each comment.
local function code_of(path)
  local f <close> = assert(io.open(root .. "/" .. path))
  local text = f:read("a"):gsub("\\[ \t]*\r?\n", "")
  local parts, at = {}, 1
  while at <= #text do
    local first = text:find("[/\"']", at) or #text + 1
    local opening = text:sub(first, first + 1)
    local last
    parts[#parts + 1] = text:sub(at, first - 1)
    if opening == "/*" then
      last = select(2, text:find("*/", first + 2, true)) or #text
      parts[#parts + 1] = " "
    elseif opening == "//" then
      last = (text:find("\n", first, true) or #text + 1) - 1
    else
      last = opening:match("^/") and first or end_of_literal(text, first)
      parts[#parts + 1] = text:sub(first, last)
    end
    at = last + 1
  end
  return table.concat(parts)
end

--- The directives that include a file, or may: a directive after a digraph is not read any further.
local INCLUDES = { include = true, include_next = true, import = true, embed = true }

local function check_line(path, file, folder, line)
  local directive = line:match("^%s*#%s*([%a_]*)")
  if not INCLUDES[directive] and not line:match("^%s*%%:") and not line:match("^%s*%?%?=") then
    return
  end
  local header = line:match('^%s*#%s*include%s*"([%w_/]+%.h)"%s*$')
  local system = line:match("^%s*#%s*include%s*<([%w_/.]+)>%s*$")
  if header then
    check_include(path, file, folder, header)
  elseif system then
    check_system_include(path, folder, system)
  elseif path ~= MODEL_INCLUDE.path or line ~= MODEL_INCLUDE.directive then
    report(
      "%s: '%s' must be #include \"folder/file.h\" or #include <header.h>",
      path,
      line:match("^%s*(.-)%s*$")
    )
  end
end

--- The functions that make what Lua sees are reached through lib/lib.h alone. So a file that defines
--- one needs no header, and has none that other files of lib/ could include.
local function check_openers(path, file, folder, code)
  if path:match("%.h$") and path ~= OPENERS and code:match("rtL_open_") then
    report("%s declares %s: only %s may", path, code:match("rtL_open_[%w_]*"), OPENERS)
  elseif path:match("%.c$") and folder:match("^lib") then
    local opener = code:match("(rtL_open_[%w_]+)%s*%b()%s*{")
    if opener and io.open(root .. "/src/" .. file .. ".h") then
      report("%s defines %s, so it must have no header", path, opener)
    end
  end
end

local function check_file(path)
  local file = path:match("^src/(.*)%.[ch]$")
  local folder = file:match("^(.*)/") or ""
  folders[folder] = true
  includes[file] = includes[file] or {}
  if not may_include[folder] then
    report("%s: the folder has no row in src/README.md", path)
  elseif not (named[folder] or {})[file:match("[^/]*$")] then
    report("%s is not named in the section of its folder in src/README.md", path)
  end
  local code = code_of(path)
  for line in code:gmatch("[^\n]+") do
    check_line(path, file, folder, line)
  end
  check_openers(path, file, folder, code)
end

for _, path in ipairs(source.find(root, "src ! -type d")) do
  if path:match("%.[ch]$") then
    check_file(path)
  elseif path ~= "src/README.md" then
    report("%s is neither a .c file nor a .h file", path)
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

--- Circles between files. The order of the rows excludes circles between folders, so this search
--- runs only if no edge is wrong: one wrong edge makes many circles.
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
