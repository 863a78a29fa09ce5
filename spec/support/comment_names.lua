--- Finds names in comments and in Markdown that the code does not have: identifiers of C that begin
--- with `rt_`, `rtL_`, `RT_` or `RTL_`, functions (`f()`), fields and parameters in quotes, names
--- of the Lua module (`rt.spawn`), and files. In Lua and Markdown it looks for identifiers and
--- files only.
---   lua5.4 spec/support/comment_names.lua [ROOT]
-- prints each of them; exit code 1 if there is one. A name is known if the code has it as a word
-- anywhere.

package.path = "spec/support/?.lua;" .. package.path
local source = require("source")

local PREFIXES = { rt = true, rtL = true, RT = true, RTL = true }
--- Folders of the repository whose files are named by their paths from the root.
local TOP = {
  src = true,
  spec = true,
  lua = true,
  docs = true,
  bench = true,
  library = true,
  examples = true,
}
--- Names that need not be there: files of Lua, and names that stand for any file.
local OTHERS = {}
for name in
  ([[ lua.c ldebug.c file.lua script.lua x.lua x.h y.h spec/x_spec.lua rt.core rt.core.internal
      lib/process lib/fs lib/http lua/rt.git ]]):gmatch("%S+")
do
  OTHERS[name] = true
end

local function read(path)
  local f <close> = assert(io.open(path))
  return f:read("a")
end

--- Splits C into its code, with strings, and a list of comments, each { text, first line }.
local function split(text)
  local code, comments, at, line = {}, {}, 1, 1
  local function count(from, to)
    local _, n = text:sub(from, to):gsub("\n", "")
    line = line + n
  end
  while true do
    local from, _, first = text:find("([\"'/])", at)
    if not from then
      break
    end
    local is_comment = first == "/" and text:sub(from, from + 1) == "/*"
    local to = from
    if is_comment then
      to = select(2, text:find("*/", from + 2, true))
    elseif first ~= "/" then
      repeat
        to = text:find("[\\" .. first .. "]", to + 1)
        local escape = text:sub(to, to) == "\\"
        to = escape and to + 1 or to
      until not escape
    end
    code[#code + 1] = text:sub(at, is_comment and from - 1 or to)
    count(at, from - 1)
    if is_comment then
      comments[#comments + 1] = { text:sub(from, to), line }
    end
    count(from, to)
    at = to + 1
  end
  code[#code + 1] = text:sub(at)
  return table.concat(code), comments
end

--- Returns the comments of a text; each stays on its line.
local function lua_comments(text)
  return (text:gsub("[^\n]+", function(line)
    return line:match("^%s*%-%-.*") or ""
  end))
end

--- Adds a path, its folders, and the ends of each, with and without the suffix.
local function add_path(files, path)
  while path do
    local rest = path
    while rest do
      files[rest], files[rest:gsub("%.%w+$", "")] = true, true
      rest = rest:match("/(.*)")
    end
    path = path:match("(.*)/")
  end
end

--- What the names are compared with: words of the code, paths, and the last parts of paths.
local function read_tree(root)
  local tree = { words = {}, lua = {}, files = {}, comments = {} }
  local function add_words(set, text)
    for word in text:gmatch("[%a_][%w_]*") do
      set[word] = true
    end
  end
  local all = ". -type f ! -path './build*' ! -path './.git/*'"
  for _, path in ipairs(source.find(root, all)) do
    path = path:sub(3)
    local suffix = path:match("%.(%w+)$")
    add_path(tree.files, path)
    if suffix == "c" or suffix == "h" then
      local code, comments = split(read(root .. "/" .. path))
      add_words(tree.words, code)
      for header in code:gmatch("#include%s+<([^>]+)>") do
        tree.files[header] = true
      end
      for _, comment in ipairs(comments) do
        tree.comments[#tree.comments + 1] = { path, comment[1], comment[2] }
      end
    elseif suffix == "md" and path ~= "CHANGELOG.md" then
      tree.comments[#tree.comments + 1] = { path, read(root .. "/" .. path), 1 }
    elseif suffix == "lua" and (path:find("^lua/") or path:find("^library/")) then
      add_words(tree.lua, read(root .. "/" .. path))
    end
    if suffix == "lua" then
      tree.comments[#tree.comments + 1] = { path, lua_comments(read(root .. "/" .. path)), 1 }
    end
    if suffix == "lua" or path == "Makefile" or path:find("^bench/[^.]*$") then
      for word in read(root .. "/" .. path):gmatch("%f[%w_]RT_[%w_]+") do
        tree.words[word] = true
      end
    end
  end
  for name in read(root .. "/library/rt.lua"):gmatch("%f[%w]rt%.([%a_][%w_.]*)") do
    tree.lua["rt." .. name:gsub("%.$", "")] = true
  end
  return tree
end

local function is_prefix(words, prefix)
  for word in pairs(words) do
    if word:sub(1, #prefix) == prefix then
      return true
    end
  end
end

--- Calls found(position, name) for each name of this comment that the tree does not have.
local function check(tree, path, text, found)
  local is_page = not path:find("%.[ch]$")
  for at, word in text:gmatch("%f[%w_]()([%a_][%w_]*)") do
    local prefix = word:match("^(%a+)_.")
    if PREFIXES[prefix] and not tree.words[word] then
      if not (word:sub(-1) == "_" and is_prefix(tree.words, word)) then
        found(at, word)
      end
    end
  end
  for at, name, after in text:gmatch("()%f[%w_/.]([%w_./]+)(.?)") do
    name = name:gsub("[./]+$", "")
    local folder, suffix = name:match("^([%w_]+)/"), name:match("%.(%a+)$")
    local is_path = folder and (TOP[folder] or tree.files["src/" .. folder])
    local is_file = not name:find("/")
      and (suffix == "c" or suffix == "h" or suffix == "lua" and not is_page)
    local is_pattern = name:find("%f[%w_]%u+%f[^%w]") or name:find("^[_.]") or after:find("[-*_]")
    if (is_path or is_file) and not (is_pattern or tree.files[name] or OTHERS[name]) then
      found(at, name)
    end
  end
  if is_page then
    return
  end
  for at, word in text:gmatch("()'([%a_][%w_]*)'") do
    if not tree.words[word] then
      found(at, word)
    end
  end
  for at, word in text:gmatch("()%f[%w_.]([%a_][%w_]*)%(%)") do
    if not tree.words[word] and not tree.lua[word] then
      found(at, word .. "()")
    end
  end
  for at, name in text:gmatch("()%f[%w_.](rt%.[%a_][%w_.]*)") do
    name = name:gsub("%.$", "")
    local is_text = text:sub(at - 1, at - 1):find("[/:]")
    if not is_text and not tree.lua[name] and not OTHERS[name] then
      found(at, name)
    end
  end
end

local function run(root)
  local tree, errors = read_tree(root), {}
  for _, comment in ipairs(tree.comments) do
    local path, text, first_line = table.unpack(comment)
    check(tree, path, text, function(at, name)
      local _, lines = text:sub(1, at):gsub("\n", "")
      errors[#errors + 1] = ("%s:%d: %s"):format(path, first_line + lines, name)
    end)
  end
  table.sort(errors)
  return errors
end

local errors = run(arg and arg[1] or ".")
for _, message in ipairs(errors) do
  io.stderr:write(message, " is a name that the code does not have\n")
end
os.exit(#errors == 0, true)
