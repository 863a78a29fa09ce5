--- Runs spec/programs/faults/everything.lua with system calls that fail (spec/faults/fault.c), and
--- judges what came of it.
local kit = require("kit")

local faults = {}

--- The calls, and the errors that their manual pages name. Left out are EBADF, EFAULT and EINVAL of
--- epoll_wait, for which libuv aborts: only a program that closes descriptors of others gets them; and
--- ENOENT of epoll_ctl, since only the addition of a descriptor can fail for lack of something; and
--- EINPROGRESS of connect, which is no failure: that the connection is being made, as it always is.
faults.errors = {
  socket = "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT",
  bind = "EACCES EADDRINUSE EADDRNOTAVAIL EBADF EFAULT EINVAL ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR"
    .. " ENOTSOCK EROFS",
  listen = "EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP",
  accept4 = "EAGAIN EBADF ECONNABORTED EFAULT EHOSTDOWN EHOSTUNREACH EINTR EINVAL EMFILE ENETDOWN"
    .. " ENETUNREACH ENFILE ENOBUFS ENOMEM ENONET ENOPROTOOPT ENOSR ENOTSOCK EOPNOTSUPP EPERM EPROTO"
    .. " EPROTONOSUPPORT ESOCKTNOSUPPORT ETIMEDOUT",
  connect = "EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EFAULT"
    .. " EINTR EISCONN ENETUNREACH ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT",
  getsockopt = "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
  so_error = "EADDRNOTAVAIL ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ETIMEDOUT",
  setsockopt = "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
  getsockname = "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK",
  getpeername = "EBADF EFAULT EINVAL ENOBUFS ENOTCONN ENOTSOCK",
  shutdown = "EBADF EINVAL ENOTCONN ENOTSOCK",
  recv = "EAGAIN EBADF ECONNREFUSED ECONNRESET EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK ETIMEDOUT",
  send = "EACCES EAGAIN EALREADY EBADF ECONNRESET EDESTADDRREQ EFAULT EINTR EINVAL EISCONN EMSGSIZE"
    .. " ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPIPE",
  epoll_create1 = "EINVAL EMFILE ENFILE ENOMEM",
  epoll_ctl = "EBADF EEXIST EINVAL ELOOP ENOMEM ENOSPC EPERM",
  epoll_wait = "EINTR",
  eventfd = "EINVAL EMFILE ENFILE ENODEV ENOMEM",
  pipe2 = "EFAULT EINVAL EMFILE ENFILE",
  getaddrinfo = "EAI_ADDRFAMILY EAI_AGAIN EAI_BADFLAGS EAI_FAIL EAI_FAMILY EAI_MEMORY EAI_NODATA"
    .. " EAI_NONAME EAI_SERVICE EAI_SOCKTYPE EAI_SYSTEM+0 EAI_SYSTEM+EMFILE EAI_SYSTEM+ENFILE"
    .. " EAI_SYSTEM+ENOMEM EAI_SYSTEM+ECONNREFUSED EAI_SYSTEM+EINTR",
  pthread_create = "EAGAIN EINVAL EPERM",
  timer_create = "EAGAIN EINVAL ENOMEM ENOTSUP EPERM",
  timer_settime = "EFAULT EINVAL",
  sigaction = "EFAULT EINVAL",
  mmap = "EACCES EAGAIN EBADF EEXIST EINVAL ENFILE ENODEV ENOMEM EOVERFLOW EPERM ETXTBSY",
}

--- How an error is named where the name of its code does not stand.
local other_names = {
  EAI_NONAME = { "ENOTFOUND" },
  EAI_NODATA = { "ENOTFOUND" },
  EAI_MEMORY = { "ENOMEM", "not enough memory" },
  ["EAI_SYSTEM+0"] = { "EAI_FAIL" },
  ENOMEM = { "not enough memory" },
  EOPNOTSUPP = { "ENOTSUP" }, -- (one number)
  ENOSR = { "Unknown system error" },
}

--- What a side of a connection may get because the other side has failed.
local consequences = { "ECONNRESET", "EPIPE", "ECONNREFUSED", "ENOTCONN", "handler: closed" }

--- The names of the calls, in order.
function faults.calls()
  local list = {}
  for call in pairs(faults.errors) do
    list[#list + 1] = call
  end
  table.sort(list)
  return list
end

function faults.errors_of(call)
  local list = {}
  for name in faults.errors[call]:gmatch("%S+") do
    list[#list + 1] = name
  end
  return list
end

--- Variables for kit.run, for a program with this fault, "connect:EPERM:3". (By kit.run's `env`, which
--- has ended when the library is loaded.)
function faults.env(fault)
  return ("RT_FAULT=%s LD_PRELOAD=%s/faults/fault.so"):format(fault, kit.build)
end

local script = [[
read began _ </proc/uptime
%s RT_FAULT=$2 RT_FAULT_PAGE=$1.page RT_SLOW=%g timeout -k 1 %d \
  env LD_PRELOAD=%s %s %s >$1.out 2>$1.err </dev/null
echo $? >$1.end
read ended _ </proc/uptime
echo $began $ended >>$1.end
times >>$1.end
]]

--- The two counters in a file of RT_FAULT_PAGE: calls, and calls that have failed.
function faults.counters(path)
  local page = io.open(path, "rb")
  local bytes = page and page:read("a") or ""
  if page then
    page:close()
  end
  if #bytes ~= 16 then
    return 0, 0
  end
  return string.unpack("=I8I8", bytes)
end

local function seconds(text)
  local sum = 0
  for minutes, rest in text:gmatch("(%d+)m([%d.]+)s") do
    sum = sum + 60 * tonumber(minutes) + tonumber(rest)
  end
  return sum
end

local function read_run(path, fault)
  local code, began, ended, _, cpu =
    kit.read(path .. ".end"):match("^(%d+)\n([%d.]+) ([%d.]+)\n([^\n]*)\n([^\n]*)")
  local calls, hits = faults.counters(path .. ".page")
  return {
    fault = fault,
    code = tonumber(code),
    calls = calls,
    hits = hits,
    wall = tonumber(ended) - tonumber(began),
    cpu = seconds(cpu),
    out = kit.read(path .. ".out"),
    err = kit.read(path .. ".err"),
  }
end

--- Runs the program once for each fault of the list, two at a time. Returns a list of what became of
--- each.
function faults.run(list)
  local folder = kit.dir() .. "/faults"
  os.execute("mkdir -p " .. folder)
  local runner, jobs = folder .. "/run", folder .. "/jobs"
  local file = assert(io.open(runner, "w"))
  file:write(
    script:format(
      kit.host_env,
      kit.slow,
      math.ceil(60 * kit.slow),
      kit.build .. "/faults/fault.so",
      kit.quote(kit.host),
      "spec/programs/faults/everything.lua"
    )
  )
  file:close()
  file = assert(io.open(jobs, "w"))
  for i, fault in ipairs(list) do
    file:write(folder, "/", i, " ", fault, "\n")
  end
  file:close()
  os.execute(("unset LD_PRELOAD; xargs -P 2 -n 2 sh %s <%s"):format(runner, jobs))
  local runs = {}
  for i, fault in ipairs(list) do
    runs[i] = read_run(("%s/%d"):format(folder, i), fault)
  end
  return runs
end

local function names(text, list)
  for _, name in ipairs(list) do
    if text:find(name, 1, true) then
      return true
    end
  end
  return false
end

--- The names of the error of a fault, "connect:EPERM:3".
local function names_of(fault)
  local call, name = fault:match("^([^:]+):([^:]+):")
  local list = { name, table.unpack(other_names[name] or {}) }
  list[#list + 1] = name:match("%+(E.*)$")
  if call == "mmap" then
    list[#list + 1] = "not enough memory"
  end
  return list
end

--- Returns what is wrong with a run; nil: nothing. `usual`: the CPU time of a run without a fault.
function faults.trouble(run, usual)
  local cause = names_of(run.fault)
  if run.hits == 0 then
    return ("the fault was not injected: %d calls"):format(run.calls)
  elseif run.code == 124 or run.code == 137 then
    return "it hangs"
  elseif run.code > 1 then
    return "exit code " .. run.code
  elseif run.cpu > 3 * usual + run.wall / 4 then
    return ("a busy loop: %.2f s of CPU time in %.2f s"):format(run.cpu, run.wall)
  end
  local explained = names(run.err, cause)
  for line in run.out:gmatch("[^\n]+") do
    explained = explained or line:find("^error ") and names(line, cause)
  end
  for line in run.out:gmatch("[^\n]+") do
    local kind, text = line:match("^(%a+) ?(.*)")
    if kind == "error" and not names(text, cause) then
      if not (explained and names(text, consequences)) then
        return "a wrong message: " .. line
      end
    elseif
      kind == "closed" and not explained
      or kind == "wrong"
      or kind == "stuck"
      or kind == "lost"
    then
      return line
    end
  end
  for line in run.err:gmatch("[^\n]+") do
    -- (the message of an error that ends the program may have several lines, and a traceback)
    if run.code == 0 and not names(line, cause) then
      return "a wrong message on stderr: " .. line
    end
  end
  -- (the error of a task whose handle is garbage is reported when that is collected: at the end)
  if run.code == 0 and not run.out:gsub("error unhandled: [^\n]*\n", ""):find("end\n$") then
    return "it has not come to its end"
  elseif run.code == 1 and not explained then
    return "exit code 1 without a reason"
  end
end

return faults
