--- Checks that only the files that src/worker/parts.h names change the parts of a worker's record.
-- A part is a struct of parts.h that is a field of rt_worker. The comment above it says "Changed by
-- run/loop.c, worker/worker.h (budget)": the files, and where names follow in parentheses, the only
-- fields that the file changes. A change is an assignment, ++ or --, or that the address of a field
-- is taken, through a pointer named `w` or a call that returns one.
local source = require("source")

local parts = {}

--- Returns the lists of parts.h and worker.h: lists[part][file] = a set of fields, or "all".
function parts.read(parts_h, worker_h)
  local names, lists, without_list = {}, {}, {}
  for type, name in source.without_comments(worker_h):gmatch("\n  (rt_[%w_]+) ([%w_]+);") do
    names[type] = name
  end
  for at, type in parts_h:gmatch("()\ntypedef struct (rt_[%w_]+) {") do
    local comment = parts_h:sub(1, at - 1):match("^.*/%*(.-)%*/$") or ""
    local list = comment:gsub("%s*\n%*%*%s*", " "):match("Changed by (.*)%.%s*$")
    local name = names[type]
    if name and list then
      lists[name] = {}
      for file, fields in list:gmatch("([%w_/]+%.[ch])%s*(%b())") do
        lists[name][file] = {}
        for field in fields:gmatch("[%w_]+") do
          lists[name][file][field] = true
        end
      end
      for file in list:gsub("%b()", ""):gmatch("[%w_/]+%.[ch]") do
        lists[name][file] = lists[name][file] or "all"
      end
    elseif name then
      without_list[#without_list + 1] = name
    end
  end
  return lists, without_list
end

local OPERATORS = { "=[^=]", "[-+*/%%&|^]=", "<<=", ">>=", "%+%+", "%-%-" }

local function is_assigned(after)
  for _, operator in ipairs(OPERATORS) do
    if after:match("^[%w_.]*%s*" .. operator) then
      return true
    end
  end
  return false
end

--- What stands before the pointer: `before` ends with "w" or with a call.
local function operator_before(before)
  local ahead = before:match("^(.*)%f[%w_]w$") or before:match("^(.-)[%w_]+%s*%b()$")
  return ahead and (ahead:match("%+%+$") or ahead:match("%-%-$") or ahead:match("[^&](&)$"))
end

--- Returns the changes that the text of a C file makes: a list of { part, field, line }. The field
--- is "" for the part as a whole.
function parts.changes(lists, text)
  local found = {}
  text = source.without_comments(text):gsub("rt_list_is_empty%b()", "")
  for at, part, behind in text:gmatch("()%->([%l_]+)()") do
    local before = text:sub(math.max(1, at - 200), at - 1):match("[^;{}]*$")
    local field = text:match("^%.([%w_]+)", behind) or ""
    if lists[part] and (before:match("%f[%w_]w$") or before:match("%)$")) then
      if is_assigned(text:sub(behind, behind + 100)) or operator_before(before) then
        local _, lines = text:sub(1, at):gsub("\n", "")
        found[#found + 1] = { part = part, field = field, line = lines + 1 }
      end
    end
  end
  return found
end

--- Compares the changes of each file, by path below src/, with the lists. Returns the sorted
--- messages.
function parts.check(lists, changes)
  local messages, seen = {}, {}
  for path, of_file in pairs(changes) do
    for _, change in ipairs(of_file) do
      local part, field, allowed = change.part, change.field, lists[change.part][path]
      if not allowed then
        messages[#messages + 1] = ("%s:%d changes %s.%s"):format(path, change.line, part, field)
      elseif allowed ~= "all" and not allowed[field] then
        messages[#messages + 1] = ("%s:%d changes %s.%s, which is not named behind it"):format(
          path,
          change.line,
          part,
          field
        )
      end
      seen[path .. " " .. part], seen[path .. " " .. part .. "." .. field] = true, true
    end
  end
  for part, list in pairs(lists) do
    for path, fields in pairs(list) do
      if not seen[path .. " " .. part] then
        messages[#messages + 1] = ("%s is listed for %s, and does not change it"):format(path, part)
      end
      for field in pairs(fields ~= "all" and fields or {}) do
        if seen[path .. " " .. part] and not seen[path .. " " .. part .. "." .. field] then
          messages[#messages + 1] = ("%s is listed for %s.%s, and does not change it"):format(
            path,
            part,
            field
          )
        end
      end
    end
  end
  table.sort(messages)
  return messages
end

return parts
