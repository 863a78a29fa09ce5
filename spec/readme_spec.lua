--- Every Lua program in README.md is run. It must print what the comment behind each `print(…)`
-- says. The table below says how programs are run that need arguments, or that serve.
local kit = require("kit")
local markdown = require("markdown")
local rt = require("rt")

--- By a part of the text of a program: the function that runs it.
local special = {
  ["ipairs(arg)"] = function(program)
    local path = kit.file("one\ntwo\nthree\n", ".txt")
    local other = kit.file("one\n", ".txt")
    local code, out, err = kit.run(program, path .. " " .. other)
    local lines = {}
    for line in out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    assert.same({ 0, "" }, { code, err })
    assert.same({ "1\t" .. other, "3\t" .. path }, lines)
  end,
  ["server:join()"] = function(program, port)
    local server = kit.start_script(program)
    local stream
    kit.wait_for(function()
      stream = rt.tcp.connect("127.0.0.1", port)
      return stream
    end, 20, "the server")
    stream:write("home\nhome\nabout\n")
    local one, two, three = stream:read("l", "l", "l")
    stream:close()
    assert.same({ "1", "2", "1" }, { one, two, three })
    assert.is_nil(server:ended())
    server:stop()
  end,
}

local function free_port()
  local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
  return (select(2, listener:sock()))
end

--- The programs that can be run unchanged.
local function programs()
  local list = {}
  for _, program in ipairs(markdown.programs("README.md")) do
    if program.text:find('require "rt"', 1, true) then
      list[#list + 1] = program
    end
  end
  return list
end

local function special_of(text)
  for word, check in pairs(special) do
    if text:find(word, 1, true) then
      return check
    end
  end
end

describe("README.md: the program of line", function()
  after_each(kit.forget)

  for _, program in ipairs(programs()) do
    it(tostring(program.line), function()
      local port = free_port()
      local text = markdown.preemptible(program.text:gsub("%f[%d]700%d%f[%D]", tostring(port)))
      local check = special_of(text)
      if check then
        return check(text, port)
      end
      local lines, prints, comments = markdown.promised(text)
      assert.equal(
        prints,
        comments,
        "each print says what it prints, or the program is in 'special'"
      )
      assert(prints > 0, "it prints nothing")
      local code, out, err = kit.run(text)
      assert.same({ 0, "" }, { code, err })
      assert.equal(table.concat(lines, "\n"), (out:gsub("\n$", ""):gsub("\t", " ")))
    end)
  end

  it("…: there are some, and what is special is still there", function()
    local used, list = {}, programs()
    for _, program in ipairs(list) do
      local check = special_of(program.text)
      if check then
        used[check] = true
      end
    end
    assert(#list >= 8, #list .. " programs")
    for word, check in pairs(special) do
      assert(used[check], "no program with " .. word)
    end
  end)
end)
