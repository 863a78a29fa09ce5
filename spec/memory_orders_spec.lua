--- Each atomic access of the source that is weaker than sequentially consistent has its reason in a
--- comment: above the function, in it, or at the beginning of the file.
local kit = require("kit")
local source = require("source")

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

--- Returns the uses without a reason, as "path:line", and the number of all uses.
local function unexplained(path, text)
  local found, uses = {}, 0
  each_block(text .. "\n\n", function(line, block, first)
    local words = (block .. first):gsub("rt_%w+_%l+%(", ""):lower()
    for at, name, order in block:gmatch("()(rt_%l+_(%l+))%(") do
      uses = uses + (WEAKER[name] and 1 or 0)
      if WEAKER[name] and not words:find(order, 1, true) then
        local _, before = block:sub(1, at):gsub("\n", "")
        found[#found + 1] = ("%s:%d"):format(path, line + before)
      end
    end
  end)
  return found, uses
end

describe("a memory order weaker than sequential consistency", function()
  it("has its reason where it is used", function()
    local all, count = {}, 0
    for _, path in ipairs(source.find(".", "src -name '*.[ch]' ! -path src/base/base.h")) do
      local found, uses = unexplained(path, kit.read(path))
      table.move(found, 1, #found, #all + 1, all)
      count = count + uses
    end
    assert.same({}, all)
    assert.is_true(count > 40, count)
  end)

  it("is found if it has none", function()
    local text = "/* f.c */\n\nint f(void) {\n  return rt_load_relaxed(&x);\n}\n"
    assert.same({ "f.c:4" }, (unexplained("f.c", text)))
    assert.same({}, (unexplained("f.c", "/* f.c - relaxed: why */\n" .. text:gsub("^.-\n", ""))))
    assert.same({}, (unexplained("f.c", (text:gsub("int f", "/* (Relaxed: why.) */\nint f")))))
  end)
end)
