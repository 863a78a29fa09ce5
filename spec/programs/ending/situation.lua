--- Blocks: arguments are the name of a situation, and the place: main, local, pool, blocking, scope (a task
--- of the pool for which the main chunk waits in a scope). Writes "ready" to stderr before. Nothing comes from
--- stdin, and nobody reads stdout. Further arguments: a fifo that nobody opens.
local rt = require("rt")
local what, place, fifo = ...

local function loop()
  while true do
  end
end

local function fails()
  error("swallowed")
end

local situations = {}

function situations.a_read_of_stdin()
  io.read()
end
function situations.a_read_of_all_of_stdin()
  io.read("a")
end
function situations.lines_of_stdin()
  for _ in io.lines() do
  end
end
function situations.reads_that_swallow_errors()
  while true do
    pcall(io.read)
  end
end
function situations.print_to_a_full_pipe()
  while true do
    print(("x"):rep(1000))
  end
end
function situations.write_to_a_full_pipe()
  while true do
    io.write(("x"):rep(100))
  end
end
function situations.os_execute()
  os.execute("exec sleep 20")
end
function situations.os_execute_again_and_again()
  while true do
    os.execute("exec sleep 20")
  end
end
function situations.a_read_of_a_command()
  io.popen("exec sleep 20"):read()
end
function situations.the_close_of_a_command()
  io.popen("exec sleep 20", "w"):close()
end
function situations.the_open_of_a_fifo()
  io.open(fifo)
end
function situations.a_loop()
  loop()
end
function situations.a_loop_that_swallows_errors()
  while true do
    pcall(fails)
  end
end
function situations.a_loop_in_a_coroutine()
  coroutine.wrap(function()
    coroutine.wrap(loop)()
  end)()
end
function situations.a_read_in_a_coroutine()
  coroutine.wrap(function()
    io.read()
  end)()
end
function situations.a_loop_in_tostring()
  print(setmetatable({}, { __tostring = loop }))
end
function situations.a_loop_in_a_finalizer()
  setmetatable({}, { __gc = loop })
  collectgarbage()
end
function situations.a_loop_in_close()
  local _ <close> = setmetatable({}, { __close = loop })
end
function situations.a_loop_in_a_comparator()
  table.sort({ 1, 2, 3 }, loop)
end
function situations.a_loop_in_a_debug_hook()
  debug.sethook(loop, "", 1)
  loop()
end
function situations.a_pattern_that_takes_hours()
  return ("a"):rep(100000):find((".-"):rep(8) .. "b")
end
function situations.a_loop_in_a_shield()
  rt.shield(loop)
end
function situations.a_read_in_a_shield()
  rt.shield(io.read)
end
function situations.a_loop_in_a_critical_section()
  rt.critical(loop)
end
function situations.a_sleep()
  rt.sleep(1000)
end
function situations.a_sleep_in_a_shield()
  rt.shield(rt.sleep, 1000)
end
function situations.sleeps_that_swallow_errors()
  while true do
    pcall(rt.sleep, 1000)
  end
end
function situations.yields()
  while true do
    rt.yield()
  end
end
function situations.a_listener()
  assert(rt.tcp.listen("127.0.0.1", 0)):accept()
end
function situations.a_failed_task_whose_error_has_no_text()
  rt.spawn(function()
    error(setmetatable({}, { __tostring = loop }))
  end)
  rt.sleep(1000)
end
function situations.a_failed_local_task_whose_error_has_no_text()
  rt.spawn_local(function()
    error(setmetatable({}, { __tostring = loop }))
  end)
  rt.sleep(1000)
end

--- Only in the main chunk.
local at_the_end = {}

function at_the_end.the_flush_of_stdout_at_the_end()
  io.stdout:setvbuf("full", 1 << 20)
  io.write(("x"):rep(1 << 19))
end
function at_the_end.a_finalizer_at_the_end()
  AT_END = setmetatable({}, { __gc = loop }) -- luacheck: ignore
end
function at_the_end.a_command_that_is_closed_at_the_end()
  COMMAND = io.popen("exec sleep 20", "w") -- luacheck: ignore
end

--- Also in a scope: one of each kind, as each place takes its time.
local in_scope = {
  a_read_of_stdin = true,
  reads_that_swallow_errors = true,
  os_execute_again_and_again = true,
  the_open_of_a_fifo = true,
  a_loop = true,
  a_loop_that_swallows_errors = true,
  a_read_in_a_shield = true,
  sleeps_that_swallow_errors = true,
}

if what == "list" then
  for name in pairs(situations) do
    io.stdout:write(in_scope[name] and "scope " or "", "main local pool blocking ", name, "\n")
  end
  for name in pairs(at_the_end) do
    io.stdout:write("main ", name, "\n")
  end
  return
end

local function block()
  io.stderr:write("ready\n")
  local f = situations[what] or at_the_end[what]
  f()
end

if place == "main" then
  block()
elseif place == "local" then
  rt.spawn_local(block)
elseif place == "pool" then
  rt.spawn(block)
elseif place == "scope" then
  rt.scope(function(scope)
    scope:spawn(block)
  end)
else
  rt.spawn_blocking(block)
end
if place ~= "main" then
  rt.sleep(1000)
end
