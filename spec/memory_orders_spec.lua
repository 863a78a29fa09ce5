--- Each atomic access of the source that is weaker than sequentially consistent has its reason in a comment:
--- above the function, in it, or at the beginning of the file.
local kit = require("kit")

local WEAKER = {
  rt_load_relaxed = true,
  rt_load_acquire = true,
  rt_store_relaxed = true,
  rt_store_release = true,
  rt_add_relaxed = true,
}

--- Calls f(line number, text of the block, begin of the file) for each block between empty lines.
local function each_block(text, f)
  local first = text:match("^/%*.-%*/") or ""
  local line = 1
  for block, gap in text:gmatch("(.-\n)(\n+)") do
    f(line, block, first)
    local _, n = (block .. gap):gsub("\n", "")
    line = line + n
  end
end

--- The uses without a reason, as "path:line".
local function unexplained(path, text)
  local found = {}
  each_block(text .. "\n\n", function(line, block, first)
    local words = (block .. first):gsub("rt_%w+_%l+%(", ""):lower()
    for at, name, order in block:gmatch("()(rt_%l+_(%l+))%(") do
      if WEAKER[name] and not words:find(order, 1, true) then
        local _, before = block:sub(1, at):gsub("\n", "")
        found[#found + 1] = ("%s:%d"):format(path, line + before)
      end
    end
  end)
  return found
end

describe("a memory order weaker than sequential consistency", function()
  it("has its reason where it is used", function()
    local _, paths = kit.shell("find src -name '*.[ch]' ! -path src/base/base.h | sort")
    local all = {}
    for path in paths:gmatch("%S+") do
      table.move(unexplained(path, kit.read(path)), 1, 99, #all + 1, all)
    end
    assert.same({}, all)
  end)

  it("is found if it has none", function()
    local text = "/* f.c */\n\nint f(void) {\n  return rt_load_relaxed(&x);\n}\n"
    assert.same({ "f.c:4" }, unexplained("f.c", text))
    assert.same({}, unexplained("f.c", "/* f.c - relaxed: why */\n" .. text:gsub("^.-\n", "")))
    assert.same({}, unexplained("f.c", (text:gsub("int f", "/* (Relaxed: why.) */\nint f"))))
  end)
end)
