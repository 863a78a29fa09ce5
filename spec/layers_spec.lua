--- `make layers` (spec/support/layers.lua) fails on an include that the table of src/README.md does not
--- list. Each spec changes one thing in a copy of src/ and expects the message that names it.
local kit = require("kit")

--- A folder with a copy of src/.
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

--- That it fails, and says this line and nothing else.
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
    append(root, "src/task/timer.c", '#include "msg/message.h"')
    complains(root, "src/task/timer.c includes msg/message.h: task/ may not include msg/")
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
