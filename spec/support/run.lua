--- Runs the specs: every file in every host, each in a process of its own with a deadline.
--   lua5.4 spec/support/run.lua [--build DIR] [--lua LUA] [--flavor NAME] [--hosts a,b]
--     [--only a,b,c] [--filter PATTERN] [--chaos steal,preempt,short-io,delay]
--     [--folder spec/peers] [--peers needed] [--seconds N]
-- --only: these files, with or without "_spec"; --filter: the specs whose title, with those of the
-- describes around it, matches this Lua pattern.
-- --folder: the files of this folder instead of those of spec. --peers needed: a spec that is
-- skipped since a program it talks to is not installed (kit.needs) has failed; without it, the
-- programs are named. --seconds: the deadline of each file, whatever the machine and the flavour.
-- --chaos: failures and delays at random, in debug builds (src/base/chaos.c); RT_SEED=n repeats them.
-- All deadlines are multiplied by how slow the machine is (slowness.lua); RT_SLOW=n sets that
-- factor. The last line is "N passed, N failed".
package.path = "spec/support/?.lua;" .. package.path
local shell = require("shell")
local quote, output_of = shell.quote, shell.output_of

local options = { build = "build/lua5.4", lua = "lua5.4", flavor = "" }
for i = 1, #arg, 2 do
  local name = arg[i]:match("^%-%-(%a+)$")
  if not name or not arg[i + 1] then
    io.stderr:write(
      "usage: ",
      arg[0],
      " [--build DIR] [--lua LUA] [--flavor F] [--hosts H] [--only NAMES] [--filter PATTERN] [--chaos LIST]"
        .. " [--folder FOLDER] [--peers needed] [--seconds N]\n"
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

-- libtsan cannot be loaded into a shell, but each shell that a stock interpreter starts inherits it.
options.hosts = options.hosts or (options.flavor == "tsan" and "rt-lua" or "rt-lua,lua")

local here = output_of("pwd")
local build = options.build:sub(1, 1) == "/" and options.build or here .. "/" .. options.build
if not pcall(require, "busted.runner") then
  os.execute(".ci/install --explain \"busted, the module of '" .. options.lua .. "'\"")
  os.exit(1)
end

--- The deadline of a file in seconds, which catches what hangs. It is multiplied by the slowness of
--- the machine and of the flavour. On an idle machine the longest of the other files takes 60 s.
local FILE_SECONDS = 300
--- Files that take longer: preempt 160 s, install 70 s, oom 300 s with the address sanitizer.
local SECONDS_OF = { preempt = 900, install = 600, oom = 600 }

--- The environment of a stock interpreter: it must load the library of the sanitizer first.
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

--- The user's search path for modules, which follows that of the specs.
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
    -- The leak checker of gcc 12 computes wrong bounds of the thread-local variables of a module
    -- that is loaded at run time, and crashes.
    "ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:intercept_tls_get_addr=0}",
    "TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1 suppressions=spec/support/tsan.supp}",
  }, " ")

--- With --chaos every program that the specs run has this seed.
local seed = os.getenv("RT_SEED") or tostring(math.random(1, 1 << 30))

--- Files without preemption at random. A preemption raises a cancel, or a timeout that has expired,
--- at any instruction. These specs check what an operation returned although a cancel was pending,
--- and the result can be checked only if the next instruction still runs.
local without_preemption = { select = true, timeout = true }

--- Files without chaos. The tests in C know the result of each call. The stall reports name the
--- place where a task is stuck in C, which a pending preemption hook hides.
local without_chaos = { ground = true, stall = true }

--- How slow the machine is. It is measured at the start, and again before each file, since other
--- load may begin later. The other file of this run that runs at the same time is no load: half of
--- the slowness counts then.
local slowness = require("slowness")
local slowness_of_flavor = require("flavor_slowness")[options.flavor] or 1
local fixed_slowness = tonumber(os.getenv("RT_SLOW"))
local slowness_at_start = fixed_slowness or slowness()

local function slowness_beside(running)
  return fixed_slowness or math.max(slowness_at_start, slowness(1 / (1 + running)))
end

local function chaos_of(name)
  if not options.chaos or without_chaos[name] then
    return ""
  end
  local kinds = without_preemption[name] and options.chaos:gsub("preempt,?", "") or options.chaos
  return ("RT_CHAOS=%s RT_SEED=%s"):format(quote(kinds), quote(seed))
end

local passed, failed, skipped = 0, 0, 0
local failures = {}

--- The folder in which the specs make their temporary files (TMPDIR). It is removed at the end, also
--- if a process of the run was killed and could not remove its own.
local scratch = require("scratch")()

--- The jobs that were started and have not ended, by number.
local unfinished = {}
local started = 0

--- Each job writes its number into this FIFO when it has ended. (It is open for writing too, so that it
--- has no end, and nobody waits until the other side opens it.)
local ended_path = scratch .. "/ended"
assert(os.execute("mkfifo " .. ended_path))
local ended_jobs = assert(io.open(ended_path, "r+"))
--- A job does not inherit it: programs count on the descriptors that are free.
local close_ended = ('for n in 3 4 5 6 7 8 9; do [ /dev/fd/$n -ef %s ] && eval "exec $n>&-"; done;'):format(
  ended_path
)

--- Starts a file in a host. What it prints goes into the file `output`.
local function start(path, name, slow)
  local host = hosts[name]
  local spec = path:match("([^/]*)_spec%.lua$")
  local deadline = math.ceil(
    tonumber(options.seconds) or (SECONDS_OF[spec] or FILE_SECONDS) * slow * slowness_of_flavor
  )
  started = started + 1
  local pid_file = ("%s/%d.pid"):format(scratch, started)
  local output = ("%s/%d.out"):format(scratch, started)
  local command = table.concat({
    close_ended,
    "{ began=$(date +%s);",
    environment,
    "TMPDIR=" .. scratch,
    chaos_of(spec),
    "RT_SPEC=" .. quote(spec),
    ("RT_SLOW=%g"):format(slow),
    "RT_HOST=" .. quote(host.path),
    "RT_HOST_ENV=" .. quote(host.env),
    'sh -c \'echo $$ >"$0"; exec env "$@"\'',
    pid_file,
    host.env,
    ("timeout -k 5 %d"):format(deadline),
    quote(host.path),
    "spec/support/start.lua -o spec/support/output.lua",
    options.filter and "--filter=" .. quote(options.filter) or "",
    quote(path),
    ('</dev/null; echo "exit $? $(($(date +%%s) - began))"; } >%s 2>&1; echo %d >%s'):format(
      output,
      started,
      ended_path
    ),
  }, " ")
  local job =
    { path = path, name = name, deadline = deadline, pid_file = pid_file, output = output }
  unfinished[started] = job
  job.pipe = io.popen(command)
end

--- Ends the jobs at once.
local function kill_jobs()
  local leaders = {}
  for _, job in pairs(unfinished) do
    local file = io.open(job.pid_file)
    leaders[#leaders + 1] = file and file:read("n")
  end
  require("processes").kill(leaders)
  for _, job in pairs(unfinished) do
    if job.pipe then
      job.pipe:close()
    end
  end
end

--- The programs that are not installed, in the order in which specs were first skipped for them,
--- and how many specs were skipped for each.
local missing_peers, skipped_for = {}, {}

--- Counts a spec that was skipped because its peer is missing. Returns whether `line` is of that
--- kind.
local function count_missing_peer(line)
  local peer = line:match("no peer: ([^%]]*)%]$")
  if peer then
    if not skipped_for[peer] then
      missing_peers[#missing_peers + 1] = peer
    end
    skipped_for[peer] = (skipped_for[peer] or 0) + 1
  end
  return peer ~= nil
end

--- Prints the line of a job that has ended, and its failures.
local function report(job)
  local path, name = job.path, job.name
  local good, bad, ended, code, took, lines, last = 0, 0, false, nil, 0, {}, "(the first)"
  local is_empty = true
  for line in io.lines(job.output) do
    if line:match("^ok ") then
      good, last, is_empty = good + 1, line:sub(4), false
    elseif line:match("^skip ") then
      is_empty = false
      if count_missing_peer(line) and options.peers == "needed" then
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

--- Files that do not run in a flavour, by flavour. The thread sanitizer delays signals until a
--- program that computes enters a blocking call; tiny queues do not change the command line.
local not_in = {
  tsan = set("install library oom" .. COMMAND_LINE),
  tight = set("exit install library oom preempt readme" .. COMMAND_LINE .. EXAMPLES),
}

--- Files that take long and run in one host only: a sanitizer finds the same defects in both.
local in_one_host = {
  asan = set("preempt" .. COMMAND_LINE .. EXAMPLES),
}

--- Files that measure wall time or memory, or use all CPUs, run alone. (preempt_spec measures
--- CPU time.)
local alone = { ground = true, memory = true, time = true }

--- How many files run at once: most specs wait most of the time. The lines are printed in the order
--- in which the files end.
local MAX_RUNNING = 2
local running = 0

--- Waits until one of the jobs has ended.
local function finish_one()
  local number = assert(ended_jobs:read("n"))
  local job = unfinished[number]
  unfinished[number] = nil
  running = running - 1
  job.pipe:close()
  report(job)
end

local function run_file(path, name, is_alone)
  while running >= (is_alone and 1 or MAX_RUNNING) do
    finish_one()
  end
  start(path, name, slowness_beside(running))
  running = running + 1
  if is_alone then
    finish_one()
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

--- The files of the folder in the order in which they are started, and all their names. Those that
--- take longest begin: at the end nothing would run beside them. Those that run alone end.
local function files_in_order(folder)
  local known, first, middle, last = {}, {}, {}, {}
  for path in io.popen("ls " .. folder .. "/*_spec.lua"):lines() do
    local name = path:match("([^/]*)_spec%.lua$")
    known[name] = true
    table.insert(SECONDS_OF[name] and first or alone[name] and last or middle, { name, path })
  end
  table.move(middle, 1, #middle, #first + 1, first)
  return table.move(last, 1, #last, #first + 1, first), known
end

--- Runs the files, and prints what failed. Returns the exit code.
local function run_all()
  local folder = options.folder or "spec"
  local files, known = files_in_order(folder)
  for _, file in ipairs(files) do
    local name, path = file[1], file[2]
    local wanted = not (not_in[options.flavor] or {})[name]
    if wanted and (not only or only[name]) then
      local names = (in_one_host[options.flavor] or {})[name] and "rt-lua" or options.hosts
      for host in names:gmatch("[^,]+") do
        run_file(path, host, alone[name])
      end
    end
  end
  while running > 0 do
    finish_one()
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
    print(
      "no spec was run" .. (options.filter and ": none matches '" .. options.filter .. "'" or "")
    )
    failed = 1
  end
  print(
    ("\n%d passed, %d failed%s"):format(
      passed,
      failed,
      skipped > 0 and (", %d skipped"):format(skipped) or ""
    )
  )
  return failed == 0 and 0 or 1
end

--- Ctrl-C raises an error in the stock interpreter, or makes the call that reads from a job fail.
local good, result = xpcall(run_all, function(message)
  message = tostring(message)
  if message:find("interrupted!", 1, true) or message:find("Interrupted system call", 1, true) then
    return ("interrupted (%d passed, %d failed)"):format(passed, failed)
  end
  return debug.traceback(message)
end)
if not good then
  kill_jobs()
end
os.execute("rm -rf " .. scratch)
if not good then
  io.stderr:write("run.lua: ", result, "\n")
  os.exit(result:find("^interrupted") and 130 or 1)
end
os.exit(result)
