--- What the specs of examples/ share: running an example, and comparing its output with its
--- comments.
local assert = require("luassert")
local kit = require("kit")
local rt = require("rt")
local slowness = require("slowness")

local examples = {}

--- Whether a shell can be started: not if libtsan is loaded into it, as in children of a stock
--- interpreter.
function examples.has_shell()
  return os.execute("true") == true
end

--- Returns a function for `it`: f with a deadline.
function examples.within_deadline(f)
  return function()
    local _, why = rt.timeout(60 * kit.slow, f)
    assert.is_nil(why)
  end
end

function examples.path_of(name)
  return "examples/" .. name .. ".lua"
end

--- Returns the command that runs a script in the present host.
function examples.command(path, args)
  return ("%s %s %s %s"):format(kit.host_env, kit.quote(kit.host), path, args or "")
end

--- Runs an example to its end. Returns its exit code, stdout and stderr.
function examples.run(name, args)
  return kit.shell("exec env " .. examples.command(examples.path_of(name), args))
end

--- Runs a program such as curl or nc, without the sanitizer that is loaded into a stock
--- interpreter.
function examples.peers(line)
  return kit.shell("unset LD_PRELOAD; " .. line)
end

--- The lines that an example prints according to its comments: a list of { text =, pattern = }.
function examples.expectations(name)
  local list = {}
  for line in io.lines(examples.path_of(name)) do
    local tilde, text = line:match("^%-%- expect(~?): ?(.*)$")
    if text then
      list[#list + 1] = { text = text, pattern = tilde == "~" }
    end
  end
  return list
end

function examples.assert_contains(what, text)
  assert(text:find(what, 1, true), text .. "\ndoes not contain " .. what)
end

function examples.assert_matches(pattern, text)
  assert(text:find("^" .. pattern .. "$"), text .. "\ndoes not match " .. pattern)
end

local function assert_line(expected, line)
  if expected.pattern then
    examples.assert_matches(expected.text, line)
  else
    assert.equal(expected.text, line)
  end
end

--- Asserts that an example has printed what its comments say.
function examples.assert_output(name, output)
  local list, n = examples.expectations(name), 0
  for line in output:gmatch("([^\n]*)\n") do
    n = n + 1
    assert(list[n], "more output than expected: " .. line)
    assert_line(list[n], line)
  end
  assert.equal(#list, n)
end

--- Runs an example that ends by itself. It must print what its comments say, and nothing to stderr.
--- Some examples depend on time (a rate limiter, a crawler with a deadline): on a busy machine one
--- of ten runs must be right.
function examples.assert_runs(name)
  local function try()
    local code, out, err = examples.run(name)
    assert.equal("", err)
    examples.assert_output(name, out)
    assert.equal(0, code)
  end
  for _ = 1, 9 do
    if pcall(try) then
      return
    elseif kit.slow == 1 and slowness() == 1 then
      break
    end
  end
  try()
end

--- Starts an example that serves, on a free port. Returns the process and the port.
function examples.serve(name, args)
  local server = kit.start(examples.command(examples.path_of(name), "0 " .. (args or "")))
  local line = server:line()
  assert_line(examples.expectations(name)[1], line)
  return server, math.tointeger(line:match("%d+$"))
end

function examples.url(port, path)
  return ("http://127.0.0.1:%d%s"):format(port, path or "/")
end

--- Returns a port on which no process listens.
function examples.free_port()
  local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
  return select(2, listener:sock())
end

--- Starts nc with a pipe as input: `it:type(text)`, `it:line()`.
function examples.nc(port)
  local fifo = kit.file(nil, ".fifo")
  assert(os.execute("mkfifo " .. fifo))
  local keyboard = assert(io.open(fifo, "r+"))
  local it = kit.start(("-u LD_PRELOAD sh -c 'exec nc 127.0.0.1 %d <%s'"):format(port, fifo))
  function it:type(text)
    keyboard:write(text, "\n")
    keyboard:flush()
    return self
  end
  return it
end

return examples
