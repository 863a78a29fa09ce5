--- Every example in docs/reference.md is run and must print what its comments say; each function
--- has one.
local kit = require("kit")
local markdown = require("markdown")

describe("docs/reference.md: the example of line", function()
  after_each(kit.forget)

  local examples = markdown.programs("docs/reference.md")

  for _, example in ipairs(examples) do
    it(tostring(example.line), function()
      local lines, prints, comments = markdown.promised(example.text)
      assert.equal(prints, comments, "each print says what it prints")
      local code, out, err =
        kit.run('local rt = require "rt"\n' .. markdown.preemptible(example.text))
      assert.same({ 0, "" }, { code, err })
      assert.equal(table.concat(lines, "\n"), (out:gsub("\n$", ""):gsub("\t", " ")))
    end)
  end

  it("…: there is one for each function and each method", function()
    local text, count = "", 0
    for _, example in ipairs(examples) do
      text = text .. example.text
    end
    for line in io.lines("docs/reference.md") do
      local name, method =
        line:match("^####? `([%w_.:]+)%("), line:match("^#### `[%w_]+:([%w_]+)%(")
      if name then
        local used = text:find(method and "[.:]" .. method .. "%f[^%w_]" or name .. "%f[^%w_]")
        assert(used, "no example calls " .. name)
        count = count + 1
      end
    end
    assert.is_true(count > 100, count)
  end)
end)
