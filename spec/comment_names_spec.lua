--- spec/support/comment_names.lua finds the names in comments and in Markdown that the code does
--- not have. Each spec but the first adds a comment to a copy of the source and expects the name in
--- it.
local kit = require("kit")

local function check(root)
  return kit.shell(
    ("exec env %s %s spec/support/comment_names.lua %s"):format(
      kit.host_env,
      kit.quote(kit.host),
      root
    )
  )
end

--- Returns what the check reports for a copy of the source in which src/base/heap.c ends with this
--- line.
local function check_with(line)
  local root = kit.file(nil, ".root")
  local copy = "mkdir %s && cp -R Makefile README.md src lua library spec docs bench examples %s"
  local code, _, err = kit.shell(copy:format(root, root))
  assert(code == 0, err)
  local f <close> = assert(io.open(root .. "/src/base/heap.c", "a"))
  f:write(line, "\n")
  f:close()
  code, _, err = check(root)
  return code, (err:gsub("src/base/heap.c:%d+: (%S+)[^\n]*", "%1"))
end

describe("a name in a comment:", function()
  it("is in the code", function()
    local code, _, err = check(".")
    assert.same({ 0, "" }, { code, err })
  end)

  it("is reported if it is an identifier, a field or a function that is not there", function()
    local code, err = check_with(
      "/* rt_heap_stranger, rtL_stranger, and rt_heap_close.\n** 'stranger', strange() */"
    )
    assert.same({ 1, "rtL_stranger\nrt_heap_stranger\nstrange()\nstranger\n" }, { code, err })
  end)

  it("is reported if it is a file or a name of the module that is not there", function()
    local code, err =
      check_with("/* base/stranger, stranger.h, base/heap.h; rt.strange, rt.spawn */")
    assert.same({ 1, "base/stranger\nrt.strange\nstranger.h\n" }, { code, err })
  end)

  it("may be anything in a string", function()
    assert.equal(0, (check_with([[static const char s[] = "\"/* rt_stranger */";]])))
  end)
end)
