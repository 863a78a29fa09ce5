--- Runs the specs: every file in every host, each in a process of its own with a deadline.
--   lua5.4 spec/support/run.lua [--build DIR] [--lua LUA] [--flavor NAME] [--hosts a,b]
--     [--only a,b,c] [--filter PATTERN] [--chaos steal,preempt,short-io,delay]
--     [--folder spec/peers] [--peers needed]
-- --only: these files, with or without "_spec"; --filter: the specs whose title, with those of the describes
-- around it, matches this Lua pattern.
-- --folder: the files of this folder instead of those of spec. --peers needed: a spec that is skipped since
-- a program it talks to is not installed (kit.needs) has failed; without it, the programs are named.
-- Chaos is for the debug builds (src/base/base.h); with RT_SEED=n it is the same again.
-- All deadlines are multiplied by how slow the machine is (slowness.lua); RT_SLOW=n sets that factor.
-- Closes with "N passed, N failed".
local options = { build = "build/lua5.4", lua = "lua5.4", flavor = "" }
for i = 1, #arg, 2 do
  local name = arg[i]:match("^%-%-(%a+)$")
  if not name or not arg[i + 1] then
    io.stderr:write(
      "usage: ",
      arg[0],
      " [--build DIR] [--lua LUA] [--flavor F] [--hosts H] [--only NAMES] [--filter PATTERN] [--chaos LIST]"
        .. " [--folder FOLDER] [--peers needed]\n"
    )
    os.exit(2)
  end
  options[name] = arg[i + 1]
end

local function refuse(...)
  io.stderr:write("run.lua: ", ...)
  io.stderr:write("\n")
  os.exit(2)
end

local is_pattern, why = pcall(string.find, "", options.filter or "")
if not is_pattern then
  refuse("'", options.filter, "' is no Lua pattern: ", why)
end

-- libtsan cannot be loaded into a shell, and a stock interpreter would hand it on to every child
options.hosts = options.hosts or (options.flavor == "tsan" and "rt-lua" or "rt-lua,lua")

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
  local p = assert(io.popen(command))
  local text = p:read("a")
  p:close()
  return (text:gsub("%s+$", ""))
end

local here = output_of("pwd")
local build = options.build:sub(1, 1) == "/" and options.build or here .. "/" .. options.build
if not pcall(require, "busted.runner") then
  os.execute(".ci/packages --explain \"busted, the module of '" .. options.lua .. "'\"")
  os.exit(1)
end

--- The deadline of a file, which catches what hangs without an end. The longest takes some minutes on an
--- idle machine; the rest is for load that begins while it runs.
local FILE_SECONDS = 1800

--- What a host needs besides its name: the sanitizer comes first into a stock interpreter.
local preload = ""
if options.flavor == "asan" or options.flavor == "tsan" then
  local library = output_of("${CC:-gcc} -print-file-name=lib" .. options.flavor .. ".so")
  preload = "LD_PRELOAD=" .. library
end
local hosts = {
  ["rt-lua"] = { path = build .. "/rt-lua", env = "" },
  lua = { path = output_of("command -v " .. options.lua), env = preload },
}

for name in options.hosts:gmatch("[^,]+") do
  if not hosts[name] then
    refuse("there is no host '", name, "': rt-lua, lua")
  end
end

--- Where the user's Lua looks for modules, behind those of here.
local function places(name)
  return os.getenv(name .. "_5_4") or os.getenv(name) or ";"
end

local environment = "unset LUA_PATH_5_4 LUA_CPATH_5_4; "
  .. table.concat({
    "LUA_PATH="
      .. quote(
        build .. "/?.lua;" .. build .. "/?/init.lua;spec/support/?.lua;" .. places("LUA_PATH")
      ),
    "LUA_CPATH=" .. quote(build .. "/?.so;" .. places("LUA_CPATH")),
    "RT_BUILD=" .. quote(build),
    "RT_FLAVOR=" .. quote(options.flavor),
    -- (the leak checker of gcc 12 gets the bounds of thread-local variables wrong where a module
    -- that was loaded later has them, and falls over them)
    "ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:intercept_tls_get_addr=0}",
    "TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1 suppressions=spec/support/tsan.supp}",
  }, " ")

--- In chaos every program that the specs run has this seed.
local seed = os.getenv("RT_SEED") or tostring(math.random(1, 1 << 30))

--- What is not preempted: a preemption raises a cancel, or a timeout that has passed, at any instruction,
--- and these say what an operation returned though one was due: which is seen only if the next
--- instruction still runs.
local at_its_own_pace = { select = true, timeout = true }

--- What is left in peace: the rooms' own tests know what each call does; and of what is stuck in C
--- the hook that is there to preempt it already hides where it was.
local in_peace = { ground = true, stall = true }

--- How slow the machine is: measured now, while nothing of the run is under way. Before each file it is
--- measured again, for load that begins later. What other files of this run use is no load: with one of
--- them under way, half of the slowness counts.
package.path = "spec/support/?.lua;" .. package.path
local slowness = require("slowness")
local fixed_slowness = tonumber(os.getenv("RT_SLOW"))
local slowness_at_start = fixed_slowness or slowness()

local function slowness_beside(running)
  return fixed_slowness or math.max(slowness_at_start, slowness(1 / (1 + running)))
end

local function chaos_of(name)
  if not options.chaos or in_peace[name] then
    return ""
  end
  local troubles = at_its_own_pace[name] and options.chaos:gsub("preempt,?", "") or options.chaos
  return ("RT_CHAOS=%s RT_SEED=%s"):format(quote(troubles), quote(seed))
end

local passed, failed, skipped = 0, 0, 0
local failures = {}

--- A file in a host, under way: what it says is in `pipe`.
local function start(path, name, slow)
  local host = hosts[name]
  local spec = path:match("([^/]*)_spec%.lua$")
  local deadline = FILE_SECONDS * slow
  local command = table.concat({
    "began=$(date +%s);",
    environment,
    chaos_of(spec),
    "RT_SPEC=" .. quote(spec),
    ("RT_SLOW=%g"):format(slow),
    "RT_HOST=" .. quote(host.path),
    "RT_HOST_ENV=" .. quote(host.env),
    host.env,
    ("timeout -k 5 %d"):format(deadline),
    quote(host.path),
    "spec/support/start.lua -o spec/support/output.lua",
    options.filter and "--filter=" .. quote(options.filter) or "",
    quote(path),
    '2>&1 </dev/null; echo "exit $? $(($(date +%s) - began))"',
  }, " ")
  return { path = path, name = name, deadline = deadline, pipe = io.popen(command) }
end

--- The programs that specs were skipped for, in the order of their first skip, and how many specs.
local missing_peers, skipped_for = {}, {}

--- Is this the line of a spec whose peer is missing? Then counts it.
local function names_a_missing_peer(line)
  local peer = line:match("no peer: ([^%]]*)%]$")
  if peer then
    if not skipped_for[peer] then
      missing_peers[#missing_peers + 1] = peer
    end
    skipped_for[peer] = (skipped_for[peer] or 0) + 1
  end
  return peer ~= nil
end

--- Waits for its end, and tells of it.
local function finish(job)
  local path, name = job.path, job.name
  local good, bad, ended, code, took, lines, last = 0, 0, false, nil, 0, {}, "(the first)"
  local is_empty = true
  for line in job.pipe:lines() do
    if line:match("^ok ") then
      good, last, is_empty = good + 1, line:sub(4), false
    elseif line:match("^skip ") then
      is_empty = false
      if names_a_missing_peer(line) and options.peers == "needed" then
        bad = bad + 1
        failures[#failures + 1] = { place = path, host = name, title = line:sub(6) }
      else
        skipped = skipped + 1
      end
    elseif line:match("^not ok ") then
      bad, last = bad + 1, line:sub(8)
      failures[#failures + 1] = { place = path, host = name, title = last }
      lines[#lines + 1] = line
    elseif line == "end" then
      ended = true
    elseif line:match("^exit %d+ %d+$") then
      code, took = line:match("(%d+) (%d+)")
      code = tonumber(code)
    else
      local place = line:match("^# at +(.*)")
      if place and bad > 0 then
        failures[#failures].place = place
      end
      lines[#lines + 1] = line
    end
  end
  local trouble
  if code == 124 or code == 137 then
    trouble = ("no end after %d s; the last spec that ended: %s"):format(job.deadline, last)
  elseif not ended then
    trouble = ("died with exit code %s after: %s"):format(code, last)
  elseif code ~= 0 and bad == 0 then
    trouble = ("all specs passed, but exit code %s"):format(code)
  end
  if trouble then
    bad = bad + 1
    failures[#failures + 1] = { place = path, host = name, title = trouble }
    lines[#lines + 1] = trouble
  end
  if options.filter and is_empty and bad == 0 then
    return -- nothing in this file matches
  end
  passed, failed = passed + good, failed + bad
  print(
    ("%-7s %-28s %4d passed %s(%s s)"):format(
      name,
      path:match("[^/]*$"),
      good,
      bad > 0 and bad .. " FAILED " or "",
      took
    )
  )
  if bad > 0 then
    print("    " .. table.concat(lines, "\n    "))
  end
  io.stdout:flush()
end

local function set(names)
  local t = {}
  for name in names:gmatch("%S+") do
    t[name] = true
  end
  return t
end

--- The specs of rt-lua's command line, and those of the examples.
local COMMAND_LINE = " errors options repl require signals "
local EXAMPLES = " examples examples_chat examples_echo examples_http "

--- What a flavour has nothing to say about. (The thread sanitizer puts signals off until a busy
--- program waits; small queues are no matter of the command line.)
local not_in = {
  tsan = set("install library oom" .. COMMAND_LINE),
  tight = set("exit install library oom preempt readme" .. COMMAND_LINE .. EXAMPLES),
}

--- What takes long, and is the same in both hosts as far as a sanitizer can tell.
local in_one_host = {
  asan = set("preempt" .. COMMAND_LINE .. EXAMPLES),
}

--- What measures time or memory, or uses all cores by itself, has the machine for itself. (What is to be
--- preempted measures the time of its processor.)
local alone = { ground = true, memory = true, time = true }

--- Two at once: most specs wait most of the time. What was started first is told of first.
local MOST = 2
local running = {}

local function run_file(path, name, is_alone)
  while #running >= (is_alone and 1 or MOST) do
    finish(table.remove(running, 1))
  end
  running[#running + 1] = start(path, name, slowness_beside(#running))
  if is_alone then
    finish(table.remove(running))
  end
end

if options.chaos then
  print(("chaos: %s, RT_SEED=%s"):format(options.chaos, seed))
end

if slowness_at_start > 1 then
  print(("this machine is busy: deadlines are multiplied by %g"):format(slowness_at_start))
end

--- The files that --only names; nil: all of them.
local only
if options.only then
  only = {}
  for name in options.only:gmatch("[^,%s]+") do
    only[name:gsub("^.*/", ""):gsub("%.lua$", ""):gsub("_spec$", "")] = true
  end
end

local known = {}
local folder = options.folder or "spec"
for path in io.popen("ls " .. folder .. "/*_spec.lua"):lines() do
  local name = path:match("([^/]*)_spec%.lua$")
  known[name] = true
  local wanted = not (not_in[options.flavor] or {})[name]
  if wanted and (not only or only[name]) then
    local names = (in_one_host[options.flavor] or {})[name] and "rt-lua" or options.hosts
    for host in names:gmatch("[^,]+") do
      run_file(path, host, alone[name])
    end
  end
end
for _, job in ipairs(running) do
  finish(job)
end

for name in pairs(only or {}) do
  if not known[name] then
    failed = failed + 1
    failures[#failures + 1] =
      { place = folder .. "/" .. name .. "_spec.lua", title = "there is no such file" }
  end
end

if #failures > 0 then
  print("\nfailed:")
  for _, each in ipairs(failures) do
    print(("  %s%s: %s"):format(each.place, each.host and " in " .. each.host or "", each.title))
  end
  if options.chaos then
    print(("the same chaos again: RT_SEED=%s make chaos SPEC=name"):format(seed))
  end
end
for _, peer in ipairs(missing_peers) do
  print(("not installed: %s (skipped: %d)"):format(peer, skipped_for[peer]))
end
if passed + failed + skipped == 0 then
  print("no spec was run" .. (options.filter and ": none matches '" .. options.filter .. "'" or ""))
  failed = 1
end
print(
  ("\n%d passed, %d failed%s"):format(
    passed,
    failed,
    skipped > 0 and (", %d skipped"):format(skipped) or ""
  )
)
os.exit(failed == 0 and 0 or 1)
