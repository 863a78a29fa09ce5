--- Mutants: the source with one small fault. Builds each, and runs the specs that must notice it.
--   lua5.4 spec/support/mutants.lua [--only WHAT] [--changed] [--most N] [--seconds S] [--lists DIR]
--   lua5.4 spec/support/mutants.lua --check [--lists DIR]
-- --only: the mutants of a folder (sync, lib/sync, lua/rt), or those in whose path or sentence this
-- text stands. --changed: those of the files that changed since the branch left its upstream; without an
-- upstream, in the last commits. --most, --seconds: at most so many, and none is begun later.
-- --check: builds nothing, and says which entries do not apply.
--
-- spec/mutants/<folder>.lua lists them; spec/README.md explains an entry. All is built and run in a copy
-- of the tree, which is removed at the end. A mutant is noticed if its run, which passes without the
-- fault, fails, crashes, or takes five times as long. Exit code 1: fewer than 95 % were noticed, or an entry
-- has an error; 130: interrupted.
package.path = "spec/support/?.lua;" .. package.path
local shell = require("shell")
local quote, output_of = shell.quote, shell.output_of

local options = { lists = "spec/mutants" }
do
  local takes = { only = true, most = true, seconds = true, lists = true }
  local i = 1
  while arg[i] do
    local name = arg[i]:match("^%-%-(%a+)$")
    if name == "check" or name == "changed" then
      options[name] = true
      i = i + 1
    elseif takes[name] and arg[i + 1] then
      options[name] = arg[i + 1]
      i = i + 2
    else
      io.stderr:write(
        "usage: mutants.lua [--check] [--only WHAT] [--changed] [--most N] [--seconds S] [--lists DIR]\n"
      )
      os.exit(2)
    end
  end
end

--- So many of a hundred mutants must be noticed.
local NOTICED = 95
--- So many mutants the lists of the tree have at least.
local LEAST = 100
--- Without an upstream, so many commits are what changed.
local COMMITS = 5
--- The longest time of a build in seconds. That of a run is five times what it takes without a
--- fault, and some seconds more.
local BUILD_SECONDS = 900
local RUN_SECONDS = 15

local function read(path)
  local file = io.open(path)
  local text = file and file:read("a")
  if file then
    file:close()
  end
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- --- the lists -------------------------------------------------------------------------------

local KEYS = {
  file = "string",
  from = "string",
  to = "string",
  wrong = "string",
  spec = "string",
  test = "string",
  host = "string",
  flavor = "string",
  ground = "string",
  model = "string",
  unnoticed = "string",
}
local FLAVORS = { asan = true, tsan = true, tight = true, debug = true }

local function folder_of(file)
  return (file:gsub("^src/", ""):gsub("/[^/]*$", ""))
end

local function count_plain(text, part)
  local n, at = 0, 1
  while true do
    local from, to = text:find(part, at, true)
    if not from then
      return n
    end
    n, at = n + 1, to + 1
  end
end

--- Returns what is wrong with an entry, or nil.
local function error_of(e, list)
  for key, value in pairs(e) do
    if type(value) ~= KEYS[key] then
      return ("has '%s'"):format(tostring(key))
    end
  end
  for _, key in ipairs { "file", "from", "to", "wrong" } do
    if not e[key] then
      return "has no '" .. key .. "'"
    end
  end
  if folder_of(e.file):gsub("/", "_") ~= list then
    return "stands in the list of another folder"
  end
  if e.from == e.to then
    return "changes nothing"
  end
  local text = read(e.file)
  local n = text and count_plain(text, e.from)
  if n ~= 1 then
    return n and ("is there %d times, not once: %s"):format(n, e.from) or "no such file"
  end
  if e.unnoticed then
    return nil
  end
  if (e.spec and 1 or 0) + (e.ground and 1 or 0) + (e.model and 1 or 0) ~= 1 then
    return "names not one of spec, ground, model"
  end
  if e.flavor and not FLAVORS[e.flavor] then
    return "there is no flavour " .. e.flavor
  end
  local path = e.spec and "spec/" .. e.spec .. "_spec.lua"
    or e.ground and "spec/ground/" .. e.ground .. ".c"
    or "spec/model/" .. e.model .. ".c"
  if not read(path) then
    return "there is no " .. path
  end
end

--- Are there mutants of each folder, and enough? Returns how many errors were printed.
local function check_coverage(entries)
  local seen, bad = {}, 0
  for _, e in ipairs(entries) do
    seen[folder_of(e.file or "")] = true
  end
  local files = output_of("ls src/*/*.c src/*/*/*.c lua/rt/*.lua")
  for file in files:gmatch("[^\n]+") do
    local folder = folder_of(file)
    if not seen[folder] then
      seen[folder] = true
      bad = bad + 1
      print(("ERROR there is no mutant of a file of %s"):format(folder))
    end
  end
  if #entries < LEAST then
    bad = bad + 1
    print(("ERROR there are %d mutants, and must be %d"):format(#entries, LEAST))
  end
  return bad
end

--- Returns all entries. Those that have an error are 'refused'.
local function load_lists()
  local entries = {}
  for path in output_of("ls " .. options.lists .. "/*.lua"):gmatch("[^\n]+") do
    for _, e in ipairs(dofile(path)) do
      e.refused = error_of(e, path:match("([^/]*)%.lua$"))
      entries[#entries + 1] = e
    end
  end
  return entries
end

--- Prints the errors of the entries; returns how many.
local function report_refused(entries)
  local bad = 0
  for _, e in ipairs(entries) do
    if e.refused then
      bad = bad + 1
      print(("ERROR %s (%s): %s"):format(tostring(e.file), tostring(e.wrong), e.refused))
    end
  end
  return bad
end

-- --- which of them ---------------------------------------------------------------------------

local function chosen_by_name(entries, what)
  local folders = {}
  for _, e in ipairs(entries) do
    folders[folder_of(e.file or "")] = true
  end
  local chosen = {}
  for _, e in ipairs(entries) do
    local is_in
    if folders[what] then
      is_in = folder_of(e.file or "") == what
    else
      is_in = ("%s: %s"):format(tostring(e.file), tostring(e.wrong)):find(what, 1, true)
    end
    if is_in then
      chosen[#chosen + 1] = e
    end
  end
  return chosen
end

--- The files that changed, as a set, and the number of the commit.
local function changed_files()
  local text = output_of(([[
    base=""
    for upstream in "@{upstream}" origin/HEAD origin/main; do
      base=$(git merge-base HEAD "$upstream") && break
    done
    if [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ]; then
      git diff --name-only "$base"
    else
      git diff --name-only HEAD
      git log -n %d --name-only --format=
    fi]]):gsub("^%s+", "{ "):format(COMMITS) .. "; } 2>/dev/null")
  local set = {}
  for file in text:gmatch("[^\n]+") do
    set[file] = true
  end
  return set, tonumber(output_of("git rev-parse HEAD 2>/dev/null"):sub(1, 7), 16) or 0
end

--- The entries whose file changed, then those whose spec did. Each turn takes one of each file;
--- the commit says which one is the first.
local function chosen_by_change(entries)
  local changed, number = changed_files()
  local chosen, taken = {}, {}
  local function take(path_of)
    local files, of = {}, {}
    for _, e in ipairs(entries) do
      local path = path_of(e)
      if path and changed[path] and not taken[e] then
        if not of[path] then
          of[path] = {}
          files[#files + 1] = path
        end
        table.insert(of[path], e)
      end
    end
    local turn, more = 0, true
    while more do
      more = false
      for _, path in ipairs(files) do
        local list = of[path]
        if turn < #list then
          local e = list[(number + turn) % #list + 1]
          chosen[#chosen + 1], taken[e], more = e, true, true
        end
      end
      turn = turn + 1
    end
  end
  take(function(e)
    return e.file
  end)
  take(function(e)
    return e.spec and ("spec/%s_spec.lua"):format(e.spec)
      or e.ground and ("spec/ground/%s.c"):format(e.ground)
      or e.model and ("spec/model/%s.c"):format(e.model)
  end)
  return chosen
end

-- --- building and running ---------------------------------------------------------------------

local system -- the module that tells the time
local copy -- the folder of the copy of the tree
local child -- { pipe, pid_file } while a program runs

--- Runs a shell command in the copy. Returns its exit code (124: it took too long), its output,
--- and how long it took.
local function run(command, seconds)
  local pid_file = copy .. "/mutants.pid"
  local began = system.monotime()
  local pipe = assert(
    io.popen(
      ([[
    cd %s/tree && unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MUTANTS FLAVOR SPEC TEST TEST_ARGS REQUIRE
    TMPDIR=%s/tmp; export TMPDIR
    sh -c 'echo $$ >"$0"; exec "$@"' %s timeout -k 5 %d sh -c %s 2>&1 </dev/null; echo "exit $?"]]):format(
        copy,
        copy,
        pid_file,
        math.ceil(seconds),
        quote("exec " .. command)
      )
    )
  )
  child = { pipe = pipe, pid_file = pid_file }
  local text = pipe:read("a")
  pipe:close()
  child = nil
  local out, code = text:match("^(.*)exit (%d+)\n$")
  return tonumber(code), out or text, system.monotime() - began
end

--- Ends the programs that a run has left behind: the path of the copy stands in their arguments.
local function end_orphans()
  local ids = {}
  for pid, arguments in output_of("ps -A -o pid= -o args= 2>/dev/null"):gmatch("(%d+) ([^\n]*)") do
    if arguments:find(copy .. "/", 1, true) and not arguments:find("^ps ") then
      ids[#ids + 1] = pid
    end
  end
  if #ids > 0 then
    os.execute("kill -KILL " .. table.concat(ids, " ") .. " 2>/dev/null")
  end
end

local function end_child()
  if child then
    require("processes").kill { tonumber(read(child.pid_file) or "") }
    child.pipe:close()
  end
end

local VERSION = _VERSION:match("[%d.]+")

local function build_of(e)
  return "build/lua" .. VERSION .. (e.flavor and "-" .. e.flavor or "")
end

--- Copies the tree, and what was built of it for these entries.
local function make_copy(entries)
  copy = require("scratch")()
  local builds = {}
  for _, e in ipairs(entries) do
    builds[build_of(e)] = true
  end
  local commands = {
    "mkdir -p " .. copy .. "/tmp " .. copy .. "/tree/build",
    "for f in $(ls -A | grep -v -x -e build -e .git); do cp -a $f " .. copy .. "/tree/; done",
  }
  for build in pairs(builds) do
    commands[#commands + 1] = ("if [ -d %s ]; then cp -a %s %s/tree/build/; fi"):format(
      build,
      build,
      copy
    )
  end
  assert(os.execute(table.concat(commands, " && ")), "the tree cannot be copied")
end

--- Returns whether it was built, and what the compiler said.
local function build(e)
  local goal = e.spec == "faults" and "all faultlib" or "all"
  if e.ground or e.model then
    goal = ("%s/%s/%s"):format(build_of(e), e.ground and "ground" or "model", e.ground or e.model)
  end
  local flavor = e.flavor and "FLAVOR=" .. e.flavor or ""
  local code, out = run(("make %s %s"):format(flavor, goal), BUILD_SECONDS)
  return code == 0 and not out:find("warning:", 1, true), out
end

--- `seconds`: the deadline of the spec; what it has started is ended then, too.
local function command_of(e, seconds)
  if e.ground then
    return ("%s/ground/%s"):format(build_of(e), e.ground)
  elseif e.model then
    return ("%s/model/%s --preemptions 2"):format(build_of(e), e.model)
  end
  local lua = arg[-1]
  return table.concat({
    lua,
    "spec/support/run.lua --build",
    build_of(e),
    "--lua",
    lua,
    "--hosts",
    e.host or "rt-lua",
    "--only",
    e.spec,
    e.test and "--filter " .. quote(e.test) or "",
    e.flavor and "--flavor " .. e.flavor or "",
    seconds and ("--seconds %d"):format(math.ceil(seconds)) or "",
  }, " ")
end

--- How reports name what an entry runs.
local function name_of(e)
  local name = e.ground and "ground " .. e.ground or e.model and "model " .. e.model or e.spec
  if e.test then
    name = ("%s '%s'"):format(name, e.test)
  end
  return e.flavor and ("%s, %s"):format(name, e.flavor) or name
end

--- The first line about what failed.
local function complaint(out)
  return out:match("not ok ([^\n]*)")
    or out:match("\nfailed:\n *([^\n]*)")
    or out:match("[^\n]*[Aa]ssert[^\n]*")
    or out:match("([^\n]*)\n*$")
end

--- Runs what an entry names. Returns "passed", "failed" or "nothing" (no spec was run), a line
--- that says more, and the seconds.
local function try(e, seconds)
  local code, out, took = run(command_of(e, seconds), e.spec and seconds + 60 or seconds)
  if code == 124 or code == 137 then
    return "failed", ("no end after %d s"):format(math.ceil(seconds)), took
  elseif e.spec and (out:find("no spec was run", 1, true) or out:find("\n0 passed, 0 failed")) then
    return "nothing", "no spec was run", took
  elseif code == 0 and not out:find("\nnot ok", 1, true) and not out:find("^not ok") then
    return "passed", nil, took
  end
  return "failed", complaint(out), took
end

--- Whether each run passes without a fault, and how long it takes, by its command.
local normal = {}

local function try_without_fault(e)
  local key = command_of(e)
  if not normal[key] then
    local good, out = build(e)
    if not good then
      error("the tree does not build:\n" .. out, 0)
    end
    local result, why, took = try(e, BUILD_SECONDS)
    if result == "failed" then
      result, why, took = try(e, BUILD_SECONDS) -- the machine may be busy
    end
    normal[key] = { result = result, why = why, took = took }
  end
  return normal[key]
end

--- Puts the fault into the copy. Returns a function that takes it out. The object of a C file is
--- kept, so that only the fault is compiled; it is new then, and what has the fault is linked again.
local function put_in(e)
  local path = copy .. "/tree/" .. e.file
  local text = read(path)
  local kept = {}
  if e.file:find("%.c$") then
    for _, folder in ipairs { "/obj/", "/model/obj/" } do
      local object = ("%s/tree/%s%s%s.o"):format(
        copy,
        build_of(e),
        folder,
        e.file:match("src/(.*)%.c")
      )
      if os.execute(("test -f %s && cp %s %s.kept"):format(object, object, object)) then
        kept[#kept + 1] = object
      end
    end
    os.execute(("cp -p %s %s.kept"):format(path, path))
  end
  local from, to = text:find(e.from, 1, true)
  write(path, text:sub(1, from - 1) .. e.to .. text:sub(to + 1))
  return function()
    if e.file:find("%.c$") then
      os.execute(("mv %s.kept %s"):format(path, path))
      for _, object in ipairs(kept) do
        os.execute(("cp %s.kept %s && rm %s.kept"):format(object, object, object))
      end
    else
      write(path, text)
    end
  end
end

local function say(...)
  print(string.format(...))
  io.stdout:flush()
end

--- Tries one mutant. Returns "noticed", "unnoticed" or "error".
local function try_mutant(e)
  local usual = normal[command_of(e)]
  local what = ("%s: %s"):format(e.file, e.wrong)
  if usual.result ~= "passed" then
    say("ERROR %s\n      without the fault, %s: %s", what, name_of(e), usual.why)
    return "error"
  end
  local take_out = put_in(e)
  local good, out = build(e)
  if not good then
    take_out()
    say("ERROR %s\n      does not compile, or not without a warning:\n%s", what, out)
    return "error"
  end
  local result, why, took = try(e, RUN_SECONDS + 5 * usual.took)
  end_orphans()
  take_out()
  if result == "failed" then
    say("noticed %s (%s, %.0f s)\n      %s", what, name_of(e), took, why)
    return "noticed"
  end
  say("NOT NOTICED %s (%s)", what, name_of(e))
  return "unnoticed"
end

--- Tries the mutants. Returns the exit code.
local function run_all(entries)
  local began = system.monotime()
  local seconds = tonumber(options.seconds) or math.huge
  local runs = {}
  local count = { noticed = 0, unnoticed = 0, error = report_refused(entries) }
  local reasons, left = {}, 0
  for _, e in ipairs(entries) do
    if e.unnoticed then
      reasons[#reasons + 1] = ("%s: %s\n      %s"):format(e.file, e.wrong, e.unnoticed)
    elseif not e.refused then
      runs[#runs + 1] = e
    end
  end
  if #runs > 0 then
    make_copy(runs)
    say("%d mutants; first what they run, without a fault", #runs)
  end
  for _, e in ipairs(runs) do
    if system.monotime() - began > seconds / 2 then
      break
    end
    try_without_fault(e)
  end
  for _, e in ipairs(runs) do
    if system.monotime() - began > seconds or not normal[command_of(e)] then
      left = left + 1
    else
      local result = try_mutant(e)
      count[result] = count[result] + 1
    end
  end
  for _, reason in ipairs(reasons) do
    say("cannot be noticed: %s", reason)
  end
  local all = count.noticed + count.unnoticed + #reasons
  say(
    "%d of %d mutants noticed, %d cannot be%s; %d errors%s",
    count.noticed,
    all,
    #reasons,
    all > 0 and (" (%.0f %%)"):format(100 * count.noticed / all) or "",
    count.error,
    left > 0 and ("; %d not tried: no time"):format(left) or ""
  )
  -- (a part may consist of those that nobody can notice)
  local is_part = options.only or options.changed
  local counted = is_part and all - #reasons or all
  return count.error == 0 and 100 * count.noticed >= NOTICED * counted and 0 or 1
end

local entries = load_lists()
if options.check then
  local errors = report_refused(entries)
  if options.lists == "spec/mutants" then
    errors = errors + check_coverage(entries)
  end
  print(("mutants: %d, errors: %d"):format(#entries, errors))
  os.exit(errors == 0 and 0 or 1)
end
if options.only and options.only ~= "" then
  entries = chosen_by_name(entries, options.only)
  if #entries == 0 then
    io.stderr:write("mutants: there is none of '", options.only, "'\n")
    os.exit(2)
  end
elseif options.changed then
  entries = chosen_by_change(entries)
  if #entries == 0 then
    print("mutants: none is listed for a file that changed")
    os.exit(0)
  end
end
for i = #entries, (tonumber(options.most) or #entries) + 1, -1 do
  entries[i] = nil
end

local has_system
has_system, system = pcall(require, "system") -- a module that busted needs, too
if not has_system then
  os.execute(".ci/install --explain 'busted'")
  os.exit(1)
end

--- Ctrl-C raises an error in the stock interpreter, or makes the call that reads from a child fail.
local good, result = xpcall(run_all, function(message)
  message = tostring(message)
  if message:find("interrupted!", 1, true) or message:find("Interrupted system call", 1, true) then
    return "interrupted"
  end
  return debug.traceback(message)
end, entries)
if not good then
  end_child()
end
if copy then
  end_orphans()
  os.execute("rm -rf " .. copy)
end
if not good then
  io.stderr:write("mutants: ", result, "\n")
  os.exit(result == "interrupted" and 130 or 1)
end
os.exit(result)
