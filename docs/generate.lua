--- Writes docs/reference.md from library/rt.lua: lua5.4 docs/generate.lua [library [reference]]
-- It understands the part of LuaCATS that library/rt.lua uses: a tag is one line, below the text.
local source, target = arg[1] or "library/rt.lua", arg[2] or "docs/reference.md"

local out = {
  "# Reference",
  "",
  "<!-- generated from library/rt.lua by docs/generate.lua -->",
  "",
  [[
Everything that `require "rt"` returns.

- **Tasks.** A *local task* (`rt.spawn_local`) runs in the Lua state that spawned it; a *pool task*
  (`rt.spawn`) runs in the state of a worker, which is a thread, and shares no tables with other states.
- **Durations** are numbers of seconds, and may have a fraction.
- **Errors.** A programming error, for instance an argument of a wrong type, raises an error. A failure of
  the network or of the system is returned as `nil`, a message and a code, for instance
  `nil, "ECONNREFUSED: connection refused (127.0.0.1:7000)", "ECONNREFUSED"`.
- *May wait* marks functions that suspend the calling task; other tasks of its worker run meanwhile. Such
  a function raises an `rt.Cancelled` if the task was cancelled. In all tasks but the main one it also
  raises where Lua cannot suspend the task: in a comparator of `table.sort`, a callback of `string.gsub`.
- **Operations.** The name of a function that makes an operation for `rt.select` ends in `_op`.
- **Children of `fork`.** In a child that a C library forks, and that has not called exec, all that waits,
  starts a task, or uses an object of rt raises: methods, fields, operators, `tostring`. So do `rt.tasks`,
  `rt.dump`, `rt.metrics`, `rt.shutdown`, `rt.configure`, `rt.workers` and `rt.on_unhandled`. `rt.now`,
  `rt.current`, `rt.traceback`, and functions that make an empty object work. `close` of a stream or a
  listener, the end of a `<close>` variable (but for a server) and the collector do nothing with them. As
  in any program with threads, the child's end by `exit` sets back the files that other threads of its
  parent were reading, modules too; its end by `_exit` does not.
- **Examples** begin after `local rt = require "rt"`. The comment behind a `print` is what it prints.]],
  "",
}

--- The widest line of a list item.
local COLUMNS = 108

local function put(form, ...)
  out[#out + 1] = select("#", ...) > 0 and form:format(...) or form
end

--- The text and the tags above a function or a class.
local function new_doc()
  return { text = {}, params = {}, returns = {}, fields = {} }
end

--- "name type  text": the type may have blanks in brackets or after a colon.
local function split(rest)
  local front, text = rest:match("^(.-)  +(.*)$")
  return front or rest, text
end

local tags = {}

function tags.param(doc, rest)
  local front, text = split(rest)
  local name, kind = front:match("^(%S+) (.*)$")
  doc.params[#doc.params + 1] =
    { name = name:gsub("%?$", ""), optional = name:sub(-1) == "?", kind = kind, text = text }
end

tags["return"] = function(doc, rest)
  local front, text = split(rest)
  local kind, name = front:match("^(.-) ([%w_]+)$")
  if kind and (kind:sub(-1) == ":" or kind:sub(-1) == ",") then
    kind = nil
  end
  local rest_of_them = front:match("^(.*[^:]) %.%.%.$")
  doc.returns[#doc.returns + 1] =
    { kind = kind or rest_of_them or front, name = rest_of_them and "..." or name, text = text }
end

function tags.field(doc, rest)
  local front, text = split(rest)
  local name, kind = front:match("^(%S+) (.*)$")
  doc.fields[#doc.fields + 1] = { name = name, kind = kind, text = text }
end

function tags.class(doc, rest)
  doc.class = rest
end

function tags.async(doc)
  doc.async = true
end

local function code(text)
  return "`" .. text .. "`"
end

local function signature(name, doc)
  local list = ""
  for i, param in ipairs(doc.params) do
    local shown = (i > 1 and ", " or "") .. param.name
    list = list .. (param.optional and (i > 1 and " [" or "[") .. shown .. "]" or shown)
  end
  return name .. "(" .. list .. ")"
end

--- An item of a list, on as many lines as it needs. A code span is not broken.
local function item(what, kind, text)
  local line = "-"
  local rest = ("%s: %s%s "):format(what, code(kind), text and "; " .. text or "")
  while rest ~= "" do
    local word = rest:match("^[^ `]*`[^`]*`[^ `]* ") or rest:match("^[^ ]* ")
    rest = rest:sub(#word + 1)
    if utf8.len(line) + utf8.len(word) > COLUMNS then
      put("%s", line)
      line = " "
    end
    line = line .. " " .. word:sub(1, -2)
  end
  put("%s", line)
end

local function put_doc(doc)
  local text = table.concat(doc.text, "\n")
  if doc.async then
    local first, rest = text:match("^(.-)(\n\n.*)$")
    first, rest = first or text, rest or ""
    text = first .. (first ~= "" and "\n" or "") .. "*May wait.*" .. rest
  end
  if text ~= "" then
    put("%s", text)
    put("")
  end
end

--- The functions of the module stand beside the classes in the outline, and methods below theirs.
local function put_function(name, doc)
  put("%s %s", name:find(":", 1, true) and "####" or "###", code(signature(name, doc)))
  put("")
  put_doc(doc)
  for _, param in ipairs(doc.params) do
    local what = param.name == "..." and code("...") or code(param.name)
    item(what, param.kind, param.text)
  end
  for _, result in ipairs(doc.returns) do
    item("returns" .. (result.name and " " .. code(result.name) or ""), result.kind, result.text)
  end
  if #doc.params + #doc.returns > 0 then
    put("")
  end
end

local function put_class(doc)
  if doc.class ~= "rt" and doc.class ~= "rt.tcp" then
    put("### %s", code(doc.class))
    put("")
    put_doc(doc)
  end
  for _, field in ipairs(doc.fields) do
    item(code((doc.class == "rt" and "rt." or "") .. field.name), field.kind, field.text)
  end
  if #doc.fields > 0 then
    put("")
  end
end

local doc = new_doc()
local function finish_class()
  if doc.class then
    put_class(doc)
  end
  doc = new_doc()
end

local number = 0
for line in io.lines(source) do
  number = number + 1
  local tag, rest = line:match("^%-%-%-@(%a+) ?(.*)$")
  local text, section, name =
    line:match("^%-%-%- ?(.*)$"), line:match("^%-%- (## .*)$"), line:match("^function ([%w_.:]+)")
  if tag then
    doc.tagged = true
    if tags[tag] then
      tags[tag](doc, rest)
    end
  elseif text and doc.tagged then
    error(("%s:%d: text below a tag"):format(source, number), 0)
  elseif text then
    doc.text[#doc.text + 1] = text
  elseif section then
    put(section)
    put("")
  elseif name then
    put_function(name:gsub("^tcp%.", "rt.tcp."), doc)
    doc = new_doc()
  else
    finish_class()
  end
end

while out[#out] == "" do
  out[#out] = nil
end
local file = assert(io.open(target, "w"))
file:write(table.concat(out, "\n"), "\n")
file:close()
