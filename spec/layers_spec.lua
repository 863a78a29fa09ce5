--- `make layers` (spec/support/layers.lua) fails on an include that the tables of src/README.md do
--- not list. Each spec changes one thing in a copy of src/ and expects the message that names it.
local kit = require("kit")

--- Returns a folder with a copy of src/.
local function copy_of_src()
  local root = kit.file(nil, ".root")
  local code, _, err = kit.shell(("mkdir %s && cp -R src %s"):format(root, root))
  assert(code == 0, err)
  return root
end

--- Appends a line to a file of the copy, which must be there already.
local function append(root, path, line)
  local f <close> = assert(io.open(root .. "/" .. path, "r+"))
  f:seek("end")
  f:write(line, "\n")
end

--- Makes a new file of one line.
local function create(root, path, line)
  local f <close> = assert(io.open(root .. "/" .. path, "w"))
  f:write(line, "\n")
end

local function layers(root)
  return kit.shell(
    ("exec env %s %s spec/support/layers.lua %s"):format(kit.host_env, kit.quote(kit.host), root)
  )
end

--- Asserts that the check of `root` fails, and prints this line and nothing else.
local function complains(root, message)
  local code, out, err = layers(root)
  assert.same({ 1, "", message .. "\n" }, { code, out, err })
end

describe("make layers:", function()
  it("passes the source as it is", function()
    local code, out, err = layers(copy_of_src())
    assert.same(
      { 0, "layers: every include is on the list of src/README.md\n", "" },
      { code, out, err }
    )
  end)

  it("fails on an edge that is not listed, even if it points down", function()
    local root = copy_of_src()
    append(root, "src/sync/mutex.c", '#include "io/sock.h"')
    complains(root, "src/sync/mutex.c includes io/sock.h: sync/ may not include io/")
  end)

  it("fails on an edge that points up, also from a header", function()
    local root = copy_of_src()
    append(root, "src/base/heap.h", '#  include "sched/sched.h"')
    complains(root, "src/base/heap.h includes sched/sched.h: base/ may not include sched/")
  end)

  it("fails on a row that allows an edge upwards", function()
    local root = copy_of_src()
    append(root, "src/README.md", "| `base/` | `cli` | no | a second row |")
    append(root, "src/README.md", "| `first/` | `second` | no | |\n| `second/` | | no | |")
    local code, _, err = layers(root)
    assert.equal(1, code)
    assert.matches("first/ may include second/, which has no row above it", err, 1, true)
  end)

  it("fails on a platform header outside of base/, and not inside", function()
    local root = copy_of_src()
    append(root, "src/base/heap.c", "#include <pthread.h>")
    append(root, "src/sched/runq.c", "#include <pthread.h>")
    complains(root, "src/sched/runq.c includes <pthread.h>: only base/ may")
  end)

  it("fails on lua.h where the table says 'no', and not where it says 'yes'", function()
    local root = copy_of_src()
    append(root, "src/worker/worker.c", "#include <lua.h>")
    append(root, "src/sched/runq.c", "#include <lua.h>")
    complains(root, "src/sched/runq.c includes <lua.h>: sched/ knows no Lua")
  end)

  it("fails on a header of the system where the table does not list it", function()
    for _, header in ipairs {
      "sys/ipc.h",
      "threads.h",
      "semaphore.h",
      "lua5.4/lua.h",
      "luaconf.h",
      "lua.hpp",
    } do
      local root = copy_of_src()
      append(root, "src/base/heap.c", ("#include <%s>"):format(header))
      append(root, "src/base/heap.c", "#include <sched.h>")
      complains(
        root,
        ("src/base/heap.c includes <%s>, which src/README.md does not list"):format(header)
      )
    end
    local root = copy_of_src()
    append(root, "src/worker/worker.c", "#include <sys/socket.h>")
    append(root, "src/worker/worker.c", "#include <uv.h>")
    local code, _, err = layers(root)
    assert.equal(1, code)
    assert.same({
      "src/worker/worker.c includes <sys/socket.h>: only io/ may",
      "src/worker/worker.c includes <uv.h>: only base/, event/, io/, dict/, diag/, cli/ may",
    }, { err:match("^(.-)\n(.-)\n$") })
  end)

  it("reads an include as the compiler does", function()
    for _, line in ipairs {
      '  #\t include"io/sock.h" // why',
      '/* one\n two */ # /* three */ include /**/ "io/sock.h" /* four',
      '#inc\\\nlude \\\n "io/sock.h"',
      '#define A "/*"\n#include "io/sock.h"',
      '#define B \'"\'\n#include "io/sock.h"',
    } do
      local root = copy_of_src()
      append(root, "src/sync/mutex.c", line)
      complains(root, "src/sync/mutex.c includes io/sock.h: sync/ may not include io/")
    end
    local root = copy_of_src()
    append(
      root,
      "src/sync/mutex.c",
      '/* as in\n#include "io/sock.h" */ // \\\n#include "io/sock.h"'
    )
    assert.equal(0, (layers(root)))
  end)

  it("fails on a directive that names no header", function()
    for _, line in ipairs {
      "#include MUTEX_HEADER",
      "#include RT_MODEL",
      '%:include "io/sock.h"',
      '??=include "io/sock.h"',
      '#import "io/sock.h"',
      "#include_next <stdio.h>",
      '#include "io/sock.c"',
      '#include "io/names.inc"',
      '#include "base/../io/sock.h"',
    } do
      local root = copy_of_src()
      append(root, "src/sync/mutex.c", line)
      complains(
        root,
        ("src/sync/mutex.c: '%s' must be #include \"folder/file.h\" or #include <header.h>"):format(
          line
        )
      )
    end
  end)

  it("fails on a file that is neither a .c file nor a .h file", function()
    local root = copy_of_src()
    create(root, "src/sync/names.inc", '#include "io/sock.h"')
    complains(root, "src/sync/names.inc is neither a .c file nor a .h file")
  end)

  it("fails on a file of lib/ that includes another one", function()
    local root = copy_of_src()
    create(root, "src/lib/sync/mutex.h", "#pragma once")
    append(root, "src/lib/sync/semaphore.c", '#include "lib/sync/mutex.h"')
    complains(root, "src/lib/sync/mutex.c defines rtL_open_mutex, so it must have no header")
    root = copy_of_src()
    append(root, "src/lib/sync/semaphore.c", '#include "lib/net/net.h"')
    complains(
      root,
      "src/lib/sync/semaphore.c includes lib/net/net.h: lib/sync/ may not include lib/net/"
    )
  end)

  it("fails on a function rtL_open_ that a second header declares", function()
    local root = copy_of_src()
    append(root, "src/lib/net/net.h", "void rtL_open_tcp(lua_State *L, rt_worker *w);")
    complains(root, "src/lib/net/net.h declares rtL_open_tcp: only src/lib/lib.h may")
  end)

  it("fails on an include that does not say the folder", function()
    local root = copy_of_src()
    append(root, "src/task/timer.c", '#include "task.h"')
    complains(root, 'src/task/timer.c includes "task.h": name it by its path below src/')
  end)

  it("fails on a file and on a folder that the README does not name", function()
    local root = copy_of_src()
    create(root, "src/task/stranger.c", '#include "base/base.h"')
    complains(
      root,
      "src/task/stranger.c is not named in the section of its folder in src/README.md"
    )
    root = copy_of_src()
    assert(os.execute(("mkdir %s/src/strange"):format(root)))
    create(root, "src/strange/file.c", "// nothing")
    complains(root, "src/strange/file.c: the folder has no row in src/README.md")
  end)

  it("fails on a file that the README names and that is not there", function()
    local root = copy_of_src()
    assert(os.remove(root .. "/src/task/timer.c"))
    assert(os.remove(root .. "/src/task/timer.h"))
    complains(root, "src/README.md names task/timer, which is not there")
  end)

  it("fails on a circle within a folder", function()
    local root = copy_of_src()
    append(root, "src/base/heap.h", '#include "base/list.h"')
    append(root, "src/base/list.h", '#include "base/heap.h"')
    local code, _, err = layers(root)
    assert.equal(1, code)
    assert(
      err:find("base/heap -> base/list -> base/heap\n", 1, true)
        or err:find("base/list -> base/heap -> base/list\n", 1, true),
      err
    )
  end)
end)
