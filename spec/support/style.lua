--- Checks of C files that no tool makes: the order of includes, the length of lines in characters,
--- the rules between sections, and the names of functions. docs/style.md states them.
local source = require("source")

local style = {}

local COLUMNS = 100

local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

--- Returns the block to which an include belongs, and its key of order: 1 the file's own header, 2
--- headers of the project, 3 headers of the system. Nil: no include, or one of a macro.
local function include_of(path, line)
  local header = line:match('^#include "(.-)"')
  local system = line:match("^#include <(.-)>")
  if header then
    local file = path:match("([^/]*)%.c$") or ""
    local is_own = header == file .. ".h" or "src/" .. header == path:gsub("c$", "h")
    return is_own and 1 or 2, header
  elseif system then
    return 3, system
  end
end

--- The blocks stand in this order, with an empty line between two of them; each is sorted by path.
--- Any other line ends the includes, and the next one begins them anew.
local function check_includes(path, lines, report)
  local block, header, empty
  for number, line in ipairs(lines) do
    local next_block, next_header = include_of(path, line)
    if next_block and block then
      local why = next_block < block and "its block stands above"
        or next_block > block and not empty and "an empty line is missing above"
        or next_block == block and empty and "no empty line stands within a block"
        or next_block == block and next_header <= header and "not in the order of paths"
      if why then
        report(number, ("#include of %s: %s"):format(next_header, why))
      end
    end
    if next_block then
      block, header, empty = next_block, next_header, false
    elseif line == "" then
      empty = true
    else
      block = nil
    end
  end
end

--- A line that begins a section fills the columns: /* --- title ----- */
local function check_rule(number, line, report)
  if line:match("^/%* %-%-%- ") then
    if not line:match("^/%* %-%-%- .*%S %-+ %*/$") or utf8.len(line) ~= COLUMNS then
      report(number, ("a section's rule ends at column %d"):format(COLUMNS))
    end
  end
end

--- A header, and a file without a header of its own, says first what it is: /* path - … */. Any
--- other file of C leaves that to its header.
local function check_head(path, line, has_header, report)
  local head = ("/* %s - "):format(path:gsub("^src/", ""))
  local says = line:sub(1, #head) == head
  if says and has_header then
    report(1, "its header says what it is")
  elseif not says and not has_header then
    report(1, ("the file begins with %s…"):format(head))
  end
end

--- Returns the mistakes in the text of a C file: a list of "path:line: message". has_header: whether
--- the file has a header of its own; nil: the first line is not checked.
function style.check(path, text, has_header)
  local messages = {}
  local function report(number, message)
    messages[#messages + 1] = ("%s:%d: %s"):format(path, number, message)
  end
  local lines = lines_of(text)
  if has_header ~= nil then
    check_head(path, lines[1], has_header, report)
  end
  check_includes(path, lines, report)
  for number, line in ipairs(lines) do
    local length = utf8.len(line)
    if not length then
      report(number, "not UTF-8")
    elseif length > COLUMNS then
      report(number, ("%d columns"):format(length))
    else
      check_rule(number, line, report)
    end
  end
  return messages
end

--- Prefixes that other names than those of the file, its folder and its types give.
local OTHER_PREFIXES = {
  -- stands for the headers of these parts of base/
  ["src/base/base.h"] = "malloc calloc realloc free alloc system_error clock random chaos lock cond thread",
  ["src/base/virtual_time.h"] = "vtime",
  -- what all functions of the Lua API use; a file of lib/ that is not used by others has no header
  ["src/lib/lib.h"] = "open fail check duration option set",
  ["src/lib/operation.h"] = "select",
  -- the idle bits, and posts, of a slot, which slot.h describes
  ["src/sched/sched.h"] = "slot",
  -- anchors.h has the names of the anchors; both functions need the record of the worker
  ["src/worker/worker.h"] = "anchor self",
}

--- Returns the prefixes with which the functions of a header may begin, as a list.
local function prefixes_of(path, text)
  local folder, file = path:match("([^/]*)/([^/]*)%.h$")
  local prefixes = { folder, file }
  for name in text:gmatch("} rt_([%w_]+);") do
    prefixes[#prefixes + 1] = name
  end
  for name in (OTHER_PREFIXES[path] or ""):gmatch("%S+") do
    prefixes[#prefixes + 1] = name
  end
  return prefixes
end

local function has_prefix(name, prefixes)
  for _, prefix in ipairs(prefixes) do
    if name == prefix or name:sub(1, #prefix + 1) == prefix .. "_" then
      return true
    end
  end
  return false
end

--- Returns the functions that a header declares at the beginning of a line, and whose names do not
--- say where they are: a list of "path: name".
function style.check_names(path, text)
  local messages, prefixes = {}, prefixes_of(path, text)
  local code = source.without_comments(text):gsub("\n#[^\n]*", ""):gsub("__attribute__%b()%s*", "")
  for line in code:gmatch("[^\n]+") do
    local prefix, name = line:match("^[%a_][^(=]-%f[%w_](rtL?_)([%w_]+)%(")
    if name and not line:match("^typedef") and not has_prefix(name, prefixes) then
      messages[#messages + 1] = ("%s: %s%s"):format(path, prefix, name)
    end
  end
  return messages
end

return style
