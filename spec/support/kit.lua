--- What the specs share: running programs in the present host, waiting with a deadline.
-- spec/README.md explains it.
local slow = require("slow")
local slowness = require("slowness")

local kit = {}

kit.build = os.getenv("RT_BUILD") or "build/lua5.4"
kit.flavor = os.getenv("RT_FLAVOR") or ""
kit.host = os.getenv("RT_HOST") or kit.build .. "/rt-lua"
kit.host_env = os.getenv("RT_HOST_ENV") or ""
kit.in_rt_lua = kit.host:match("rt%-lua$") ~= nil
kit.rt_lua = kit.build .. "/rt-lua"
--- How many times slower a program is here than in the plain build on an idle machine: because of
--- load (RT_SLOW, from the runner) and of sanitizers. All deadlines of this file are multiplied by
--- it.
kit.slow = slow
--- The part of that factor that comes from the build: for bounds of CPU time, which load does
--- not change.
kit.slow_flavor = slow // (tonumber(os.getenv("RT_SLOW")) or 1)
--- Another factor for deadlines that only catch hangs: load may begin while a file runs.
local HEADROOM = 3

local here = io.popen("pwd"):read("l")
local scratch

--- The folder for the files of this process. Its path, and those of kit.file, need no quotes in a
--- shell.
function kit.dir()
  if not scratch then
    scratch = require("scratch")()
    kit.at_exit = setmetatable({}, {
      __gc = function()
        os.execute("rm -rf '" .. scratch .. "'")
      end,
    })
  end
  return scratch
end

local count = 0
function kit.file(text, suffix)
  count = count + 1
  local path = ("%s/%d%s"):format(kit.dir(), count, suffix or ".lua")
  if text then
    local f = assert(io.open(path, "w"))
    f:write(text)
    f:close()
  end
  return path
end

function kit.read(path)
  local f = assert(io.open(path))
  local text = f:read("a")
  f:close()
  return text
end

local quote = require("shell").quote
kit.quote = quote

--- The name of the spec file that runs, without "_spec.lua".
local function spec_name()
  local name = os.getenv("RT_SPEC")
  local level = 2
  while not name do
    local info = debug.getinfo(level, "S")
    if not info then
      error("no spec file calls this", 3)
    end
    name = info.source:match("([^/]*)_spec%.lua$")
    level = level + 1
  end
  return name
end

--- Returns the path of spec/programs/<spec>/<name>.lua. Functions that take the text of a script
--- take this, too.
function kit.program(name)
  local path = ("spec/programs/%s/%s.lua"):format(spec_name(), name)
  assert(io.open(path)):close()
  return path
end

local function is_program(script)
  return script:match("^spec/programs/[%w_/]+%.lua$") ~= nil
end

--- Returns whether the machine is busy: since the run began, or at this moment.
local function is_busy()
  return kit.slow > kit.slow_flavor or slowness() > 1
end

--- Reports of the watchdog about tasks that are stuck: lines of this kind, and the traceback after
--- one.
local function is_stall_report(line, is_in_report)
  return line:find("^rt: .* is stuck: ")
    or line:find("^rt: .* goes on: task ")
    or line:find("^rt: .* was stuck in$")
    or line:find("^rt: .* was stuck: ")
    or line:find("^rt: all %d+ threads of rt.spawn_blocking are busy")
    or is_in_report and line:find("^%s")
end

--- Returns what a program wrote, to stderr or to both. On a busy machine a task that waits for a lock,
--- or for a child process, may be reported as stuck: reports of stalls are removed then. So they are
--- with the thread sanitizer, whose own locks and memory maps make a thread wait.
local function without_stalls(err)
  local kept, is_report, was_report = {}, false, false
  for line in err:gmatch("[^\n]*\n?") do
    is_report = is_stall_report((line:gsub("\n$", "")), is_report) and true or false
    was_report = was_report or is_report
    kept[#kept + 1] = not is_report and line or nil
  end
  return was_report and (kit.flavor == "tsan" or is_busy()) and table.concat(kept) or err
end

--- Runs a shell command to its end; it is killed after a deadline of `seconds`, times kit.slow and
--- more. Returns the exit code, stdout and stderr.
function kit.shell(command, seconds)
  local out, err = kit.file(nil, ".out"), kit.file(nil, ".err")
  -- A sanitizer that is loaded into a stock interpreter must not be loaded into its children.
  local line = ("unset LD_PRELOAD; cd %s; timeout -k 2 %d sh -c %s >%s 2>%s </dev/null; echo $?"):format(
    quote(here),
    math.ceil((seconds or 20) * kit.slow * HEADROOM),
    quote(command),
    out,
    err
  )
  local p = assert(io.popen(line))
  local code = tonumber(p:read("l"))
  p:close()
  return code, kit.read(out), without_stalls(kit.read(err))
end

--- Returns the command that runs a script (its text, or kit.program) in the present host. `env` has
--- more variables for its environment: "RT_WORKERS=1". The command begins with assignments: run it
--- by `exec env`.
function kit.command(script, args, env)
  local path = is_program(script) and script or kit.file(script)
  return ("%s %s %s %s %s"):format(env or "", kit.host_env, quote(kit.host), path, args or "")
end

--- Skips the spec that calls this, with its `pending`, if one of these programs is not installed.
--- The gate installs all of them (.ci/packages), and fails if a spec was skipped here.
function kit.needs(pending, ...)
  for _, name in ipairs { ... } do
    if not os.execute("unset LD_PRELOAD; command -v " .. quote(name) .. " >/dev/null") then
      pending("no peer: " .. name)
    end
  end
end

--- Returns an `it` for what is the same in every host and flavour, and so runs once. `skip` calls
--- `pending`, which busted makes for each spec that runs.
function kit.once(it, skip)
  return function(title, f)
    it(title, function()
      if not kit.in_rt_lua or kit.flavor ~= "" then
        return skip("the same in every host and flavour")
      end
      f()
    end)
  end
end

--- Runs a script in the present host. Returns the exit code, stdout and stderr.
function kit.run(script, args, seconds, env)
  return kit.shell("exec env " .. kit.command(script, args, env), seconds)
end

--- Runs a script with 1, 2 and 4 workers; each run must end well and print "right". The script has
--- `rt`, a SEED, which is printed if it fails and can be set by RT_SEED, and a SCALE, which is
--- below 1 where everything is slow. A kit.program gets these by `require`, see
--- workers_prelude.lua.
local prelude = [[
  local rt = require("rt")
  local SEED, SCALE = require("workers_prelude")()
]]
function kit.on_workers(script)
  local scale = kit.flavor == "" and 1 or 0.1
  script = is_program(script) and script or prelude .. script
  for _, workers in ipairs { 1, 2, 4 } do
    local seed = tonumber(os.getenv("RT_SEED")) or math.random(1 << 30)
    local code, out, err = kit.run(script, seed .. " " .. scale, 60, "RT_WORKERS=" .. workers)
    if code ~= 0 or out ~= "right\n" then
      error(("%d workers, RT_SEED=%d: exit code %s\n%s%s"):format(workers, seed, code, out, err), 2)
    end
  end
end

--- A script running in the background. `it:line()` reads its next line of output (waiting for it),
--- `it:stop([signal])` ends it and returns its exit code.
local Background = {}
Background.__index = Background

local background = {}

function kit.start(command)
  local out, code = kit.file(nil, ".out"), kit.file(nil, ".code")
  local pid = kit.file(nil, ".pid")
  os.execute(
    ("unset LD_PRELOAD; cd %s; (sh -c 'echo $$ >%s; exec env %s' >%s 2>&1 </dev/null & wait $!; echo $? >%s) &"):format(
      quote(here),
      pid,
      command:gsub("'", "'\\''"),
      out,
      code
    )
  )
  local it = setmetatable({ out = out, code = code, pid_file = pid, position = 0 }, Background)
  kit.wait_for(function()
    local f = io.open(pid)
    it.pid = f and f:read("n")
    if f then
      f:close()
    end
    return it.pid
  end, 10, "the program to start")
  background[#background + 1] = it
  return it
end

function kit.start_script(script, args, env)
  return kit.start(kit.command(script, args, env))
end

function Background:line(seconds)
  local line
  kit.wait_for(function()
    local code = self:ended() -- before the read: no line comes after it
    local f = assert(io.open(self.out))
    f:seek("set", self.position)
    line = f:read("L")
    f:close()
    if line and line:sub(-1) == "\n" then
      self.position = self.position + #line
      return true
    end
    if code then
      error(("the program ended with exit code %d; it wrote: %s"):format(code, self:output()), 0)
    end
  end, seconds or 20, "a line of output; so far: " .. kit.read(self.out))
  return line:sub(1, -2)
end

--- Returns what the program wrote until now, without reports of stalls where they mean nothing.
function Background:output()
  return without_stalls(kit.read(self.out))
end

--- The same, of what no call of line() has returned.
function Background:rest()
  return without_stalls(kit.read(self.out):sub(self.position + 1))
end

--- All that it wrote, with the reports: for the specs that are about them.
function Background:whole_output()
  return kit.read(self.out)
end

function Background:ended()
  local f = io.open(self.code)
  local code = f and f:read("n")
  if f then
    f:close()
  end
  return code
end

function Background:signal(name)
  os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

function Background:wait(seconds)
  kit.wait_for(function()
    return self:ended()
  end, seconds or 20, "the program to end; it wrote: " .. self:output())
  return self:ended()
end

function Background:stop(name)
  if not self:ended() then
    self:signal(name or "TERM")
  end
  return self:wait()
end

function kit.forget()
  for i = #background, 1, -1 do
    if not background[i]:ended() then
      background[i]:signal("KILL")
    end
    background[i] = nil
  end
end

--- Polls until f returns something true. Only for events outside of this process. The deadline only
--- catches hangs.
function kit.wait_for(f, seconds, what)
  local rt = require("rt")
  seconds = seconds * kit.slow * HEADROOM
  local deadline = rt.now() + seconds
  while true do
    local value = f()
    if value then
      return value
    end
    if rt.now() > deadline then
      error("no sign of " .. (what or "it") .. " after " .. seconds .. " s", 2)
    end
    rt.sleep(0.01)
  end
end

--- Calls `f`, which returns a duration in seconds, or the ratio of two durations, until that is
--- below `most` (times kit.slow), at most ten times: a machine that stops for a moment makes one call
--- late, not ten. After each late call the slowness of the machine is measured again, since load may
--- have begun.
function kit.in_time(most, f)
  local took
  local limit = most * kit.slow
  for _ = 1, 10 do
    took = f()
    if took < limit then
      return
    end
    limit = math.max(limit, most * kit.slow_flavor * slowness())
    if took < limit then
      return
    end
  end
  error(("never below %g; the last time it was %g"):format(limit, took), 2)
end

--- Calls `f` and `yardstick` in turn, five times each. Both return the CPU time that they took.
--- Returns the least time of `f` divided by the least time of `yardstick`: that depends neither on
--- the speed of the machine nor on a moment in which it is slower.
function kit.cost_ratio(f, yardstick)
  local least, least_of_yardstick = math.huge, math.huge
  for _ = 1, 5 do
    least = math.min(least, f())
    least_of_yardstick = math.min(least_of_yardstick, yardstick())
  end
  return least / least_of_yardstick
end

--- Calls `f` until it returns something true: at most three times, or ten times on a busy machine.
--- `f` returns false if the run was disturbed, as by a machine that stops for a moment; a defect
--- makes every run false. `f` asserts what must hold in each run.
function kit.eventually(f)
  local calls = 0
  repeat
    local good, value = f()
    calls = calls + 1
    if not good and calls >= (is_busy() and 10 or 3) then
      error(("not once in %d times: %s"):format(calls, value), 2)
    end
  until good
end

--- Returns the resident size of a process, in bytes.
function kit.rss(pid)
  local f = assert(io.open(("/proc/%s/statm"):format(pid or "self")))
  local _, pages = f:read("n", "n")
  f:close()
  return pages * 4096
end

--- Returns the number of open descriptors of this process. They are not counted by a child process:
--- its end of a pipe may still be open in the parent then.
function kit.descriptors()
  collectgarbage()
  collectgarbage()
  local n = 0
  for fd = 0, 1023 do
    local info = io.open("/proc/self/fdinfo/" .. fd)
    if info then
      info:close()
      n = n + 1
    end
  end
  return n
end

--- Reads the next `n` bytes of a stream by `recv`, which may return fewer bytes than are available.
function kit.recv(stream, n)
  local got = ""
  while #got < n do
    local part = assert(stream:recv(n - #got))
    assert(#part <= n - #got, "more than was asked for")
    got = got .. part
  end
  return got
end

--- Calls f with each list of arguments, and returns the errors that the calls raise.
function kit.refused(f, ...)
  local ok, message = pcall(f, ...)
  if ok then
    error("this call should have been refused", 2)
  end
  return tostring(message)
end

return kit
