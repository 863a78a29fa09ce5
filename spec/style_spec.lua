--- The C files keep the rules of docs/style.md that no other tool checks.
local kit = require("kit")
local source = require("source")
local style = require("style")

local function check(path, ...)
  return style.check(path, table.concat({ ... }, "\n") .. "\n")
end

describe("style:", function()
  it("every C file keeps the order of includes, the columns and the rules of sections", function()
    local messages, files, exists = {}, 0, {}
    for _, path in ipairs(source.c_files("src spec")) do
      exists[path], files = true, files + 1
    end
    for path in pairs(exists) do
      local header = path:gsub("%.c$", ".h")
      local has_header = header ~= path and exists[header] or false
      for _, message in ipairs(style.check(path, kit.read(path), has_header)) do
        messages[#messages + 1] = message
      end
    end
    assert.same({}, messages)
    assert.is_true(files > 250, files)
  end)

  it("includes are in three blocks: the own header, the project, the system", function()
    assert.same(
      {},
      check(
        "src/lib/net/net.c",
        "/* text */",
        '#include "lib/net/net.h"',
        "",
        '#include "io/sock.h" /* for a reason */',
        '#include "lib/lib.h"',
        "",
        "#include <errno.h>",
        "#include <sys/wait.h>",
        "",
        "enum { N };",
        "#include <assert.h>"
      )
    )
    assert.same(
      { "src/a/b.c:3: #include of a/b.h: its block stands above" },
      check("src/a/b.c", '#include "a/a.h"', "", '#include "a/b.h"')
    )
    assert.same(
      { "src/a/b.c:3: #include of a/c.h: its block stands above" },
      check("src/a/b.c", "#include <errno.h>", "", '#include "a/c.h"')
    )
    assert.same(
      {
        "src/a/b.c:2: #include of c/d.h: an empty line is missing above",
        "src/a/b.c:3: #include of a/d.h: not in the order of paths",
        "src/a/b.c:5: #include of e/d.h: no empty line stands within a block",
        "src/a/b.c:6: #include of e/d.h: not in the order of paths",
      },
      check(
        "src/a/b.c",
        '#include "a/b.h"',
        '#include "c/d.h"',
        '#include "a/d.h"',
        "",
        '#include "e/d.h"',
        '#include "e/d.h"'
      )
    )
  end)

  it("a file says first what it is, unless its header does", function()
    local says, text = "/* a/b.c - what it is. */\n", "enum { N };\n"
    assert.same({}, style.check("src/a/b.c", says .. text, false))
    assert.same({}, style.check("src/a/b.c", text, true))
    assert.same(
      { "src/a/b.c:1: its header says what it is" },
      style.check("src/a/b.c", says .. text, true)
    )
    assert.same(
      { "src/a/b.c:1: the file begins with /* a/b.c - …" },
      style.check("src/a/b.c", text, false)
    )
  end)

  it("columns are counted in characters", function()
    assert.same({}, check("src/a/b.c", "/* " .. ("…"):rep(94) .. " */"))
    assert.same({ "src/a/b.c:2: 101 columns" }, check("src/a/b.c", "", ("a"):rep(101)))
    assert.same({ "src/a/b.c:1: not UTF-8" }, check("src/a/b.c", "/* \xFF */"))
  end)

  it("the rule of a section fills the columns", function()
    assert.same({}, check("src/a/b.c", "/* --- a title " .. ("-"):rep(82) .. " */"))
    for _, line in ipairs {
      "/* --- a title " .. ("-"):rep(81) .. " */",
      "/* --- a title */",
      "/* --- a title " .. ("-"):rep(85),
      "/* --- a title" .. ("-"):rep(83) .. " */",
    } do
      assert.same({ "src/a/b.c:1: a section's rule ends at column 100" }, check("src/a/b.c", line))
    end
  end)

  it("the name of a function says in which header it is: file, type or folder", function()
    local messages = {}
    for _, path in ipairs(source.find(".", "src -name '*.h'")) do
      for _, message in ipairs(style.check_names(path, kit.read(path))) do
        messages[#messages + 1] = message
      end
    end
    assert.same({}, messages)
    assert.same(
      { "src/a/b.h: rt_bc_new", "src/a/b.h: rtL_d", "src/a/b.h: rt_e_f" },
      style.check_names(
        "src/a/b.h",
        table.concat({
          "int rt_b_new(void);",
          "int rtL_a_new(void);",
          "typedef struct rt_type {",
          "  int (*rt_no_function)(void);",
          "} rt_type;",
          "static inline rt_type *rt_type_new(void) {",
          "  return rt_other(1);",
          "}",
          "rt_bc *rt_bc_new(rt_b *b);",
          "__attribute__((noreturn)) int rtL_d(void);",
          "/* int rt_comment(void); */",
          "static inline int rt_e_f(void) { return 1; }",
        }, "\n")
      )
    )
  end)
end)
