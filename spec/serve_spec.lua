local kit = require("kit")
local rt = require("rt")

--- Runs a program with 1, 2 and 4 workers and both ways to spread connections. It must print this.
local function each(program, expected)
  for _, balance in ipairs { "reuseport", "handoff" } do
    for _, n in ipairs { 1, 2, 4 } do
      local code, out, err = kit.run(program, balance, 60, "RT_WORKERS=" .. n)
      assert.same({ 0, expected, "" }, { code, out, err }, balance .. ", workers: " .. n)
    end
  end
end

describe("rt.tcp.serve", function()
  it("each connection is a task of the pool", function()
    each(kit.program("task_for_each_connection"), "127.0.0.1\tinet\t0\tECONNREFUSED\n")
  end)

  it("connections are spread over the workers", function()
    local out = kit.run(kit.program("states_of_connections"))
    assert.equal(4, out, "worker states")
  end)

  it("close lets running handlers finish within the grace, then cancels them", function()
    each(
      kit.program("close_with_grace"),
      "short\ndone\tclosed\tbye\ttrue\nlong\nclosed\t\ttrue\ttrue\n"
    )
  end)

  it("a handler that fails is reported, its stream is closed, and the others go on", function()
    local code, out, err = kit.run(kit.program("failing_handler"))
    assert.same({ 1, "one\t\ttwo\n" }, { code, out })
    assert.matches("rt: unhandled error in task %d+, .*handler failed", err)
  end)

  it("a server that was sent to another worker is the same server, and is closed there", function()
    local code, out = kit.run(kit.program("sent_server"))
    assert.same(
      { 0, "rt.server (127.0.0.1:0, 0 connections)\nrt.server (closed)\n" },
      { code, out }
    )
  end)

  it("its tasks were spawned by who called it", function()
    local code, out = kit.run(kit.program("spawn_sites"))
    assert.same({ 0, ":4\n" }, { code, out })
  end)

  it("close while clients come: each has an answer or was refused", function()
    each(kit.program("close_while_clients_come"), "0\ttrue\n")
  end)

  it("close takes what the system has established, also if the worker is blocked", function()
    local pipe = kit.file(nil, ".pipe")
    assert(os.execute("mkfifo " .. pipe))
    local code, out, err = kit.run(kit.program("close_with_a_queue"), pipe, 60, "RT_WORKERS=1")
    assert.same({ 0, "answered\nanswered\nanswered\n", "" }, { code, out, err })
  end)

  it("G33 an error of accept ends no acceptor; one that lasts is reported, once", function()
    if kit.flavor == "asan" or kit.flavor == "tsan" then
      return pending("a sanitizer has to be the first library")
    end
    kit.needs(pending, "cc")
    local library = kit.file(nil, ".so")
    local source = "spec/programs/serve/accept_fails.c"
    assert(os.execute(("cc -D_GNU_SOURCE -shared -fPIC -o %s %s -ldl"):format(library, source)))
    local errors = { EPERM = 1, EINVAL = 22, ENETDOWN = 100, EHOSTUNREACH = 113 }
    for _, balance in ipairs { "reuseport", "handoff" } do
      for name, number in pairs(errors) do
        for _, times in ipairs { 5, 20 } do
          local env = ("RT_WORKERS=2 LD_PRELOAD=%s ACCEPT_TIMES=%d ACCEPT_ERROR=%d"):format(
            library,
            times,
            number
          )
          local code, out, err = kit.run(kit.program("failing_accept"), balance, 60, env)
          assert.same({ 0, "20\t2\ttrue\n" }, { code, out }, name .. ": " .. err)
          local _, reports = err:gsub("rt: [%a ]*accept: " .. name .. ": [^\n]*every 100 ms\n", "")
          local _, lines = err:gsub("\n", "")
          assert.equal(lines, reports, err)
          assert(reports <= 2, err)
          assert(times == 20 or name == "EINVAL" or reports == 0, err)
        end
      end
    end
  end)

  it("G31 while a worker is stuck, the others answer its clients, and none is reset", function()
    for _, balance in ipairs { "reuseport", "handoff" } do
      for number = 1, 2 do
        kit.in_time(0.5, function()
          local fifo = kit.file(nil, ".fifo")
          os.execute("unset LD_PRELOAD; mkfifo " .. fifo)
          local args = ("%s %d %s"):format(balance, number, fifo)
          local code, out, err = kit.run(kit.program("stuck_worker"), args, 120)
          assert.same({ 0, "30\t30\tgo on\t10" }, { code, out:match("^[^\n]*") }, out .. err)
          return tonumber(out:match("\n([%d.e-]+)\n$"))
        end)
      end
    end
  end)

  it("a listener that has come to its acceptor is not sent on", function()
    local why =
      "cannot send argument 1 (a listener of a server, which stays on its worker) to another worker"
    local code, out, err = kit.run(kit.program("sent_on"))
    assert.same({ 0, "false\t" .. why .. "\ntrue\n", "" }, { code, out, err })
  end)

  it("a close that is refused has closed nothing", function()
    local server <close> = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
      stream:write(stream:read("L"))
    end))
    for _, wrong in ipairs { "x", {}, -1, 0 / 0, false } do
      local message = kit.refused(server.close, server, wrong)
      assert.matches("bad argument #1 to 'close' %(a number of seconds expected", message)
    end
    local _, port = server:address()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    client:write("still here\n")
    assert.equal("still here", client:read("l"))
  end)

  it(
    "is not there with some of its listeners only: then it says why, and nothing is left",
    function()
      local command = kit.command(kit.program("few_descriptors"), nil, "RT_WORKERS=4")
      local code, out, err = kit.shell("ulimit -n 64; exec env " .. command)
      assert.equal(0, code, err)
      assert.matches("4\n", out)
      assert.matches("EMFILE\nEMFILE\n$", out)
      assert.is_nil(out:find("[123]\n"), out)
    end
  )

  it("a port that another server listens on is in use, however many workers share it", function()
    each(kit.program("port_in_use"), "served again\n")
  end)

  it("a handler that cannot be sent to all workers is refused as the third argument", function()
    local wrapped = coroutine.wrap(print)
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local refused = {
      ["the function (C function that no module holds)"] = wrapped,
      ["upvalue 'wrapped' (C function that no module holds)"] = function()
        return wrapped
      end,
      ["upvalue 'listener' (a thing that only one task can have)"] = function()
        return listener
      end,
    }
    for what, handler in pairs(refused) do
      local message = kit.refused(rt.tcp.serve, "127.0.0.1", 0, handler)
      local at = message:match("^spec/[^:]*:%d+: ()")
      local expected = "bad argument #3 to 'serve' (cannot send " .. what .. " to another worker)"
      assert.equal(expected, at and message:sub(at), message)
    end
    assert(listener:sock()) -- it has not moved
  end)

  it("a port in use, bad arguments", function()
    local l = rt.tcp.listen("127.0.0.1", 0)
    local _, port = l:sock()
    local nothing, message, code = rt.tcp.serve("127.0.0.1", port, print)
    assert.is_nil(nothing)
    assert.equal("EADDRINUSE", code)
    assert.matches("^EADDRINUSE: ", message)
    l:close()
    assert.matches("function expected, got no value", kit.refused(rt.tcp.serve, "127.0.0.1", 0))
    assert.matches("balance", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { balance = "x" }))
    assert.matches(
      "unknown option 'balanc'",
      kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { balanc = 1 })
    )
    for _, backlog in ipairs { "x", 0, false } do
      local refusal = kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { backlog = backlog })
      assert.matches("^spec/[^:]*:%d+: option 'backlog': an integer", refusal)
    end
    assert.matches("nodelay", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { nodelay = "x" }))
    assert.matches("#1 to 'serve'", kit.refused(rt.tcp.serve))
    assert.matches("port from 0 to 65535", kit.refused(rt.tcp.serve, "127.0.0.1", 70000, print))
    assert.matches("grace", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { grace = "x" }))
    assert.matches("grace", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { grace = -1 }))
    assert.matches("table expected", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, 5))
    local file = io.tmpfile()
    assert.matches(
      "upvalue 'file'",
      kit.refused(rt.tcp.serve, "127.0.0.1", 0, function()
        return file
      end)
    )
  end)
end)
