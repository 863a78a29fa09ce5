local kit = require("kit")
local rt = require("rt")

--- Returns a stream from which `text` can be read, then the end; it is written in pieces of `size`
--- bytes.
local function stream_of(text, size)
  local listener = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = listener:sock()
  local accepting = rt.spawn_local(listener.accept, listener)
  local writer = assert(rt.tcp.connect("127.0.0.1", port))
  local reader = assert(accepting:join())
  listener:close()
  rt.spawn_local(function()
    for i = 1, #text, size or #text + 1 do
      if not writer:write(text:sub(i, i + (size or #text + 1) - 1)) then
        break
      end
      if size then
        rt.yield()
      end
    end
    writer:close()
  end)
  return reader
end

--- Returns the results of io.read for the same text.
local function file_of(text)
  local f = assert(io.open(kit.file(text, ".txt")))
  return f
end

local texts = {
  "",
  "\n",
  "one\ntwo\nthree",
  "one\ntwo\n",
  "\n\n\n",
  "a\r\nb\r\n",
  "no newline at all",
  "12 -3 +4.5 0x1F .5 5. 1e3 1E-2 0x.8p1 0xA.8P-2 77\nrest of it\n",
  "1 2x 3",
  "  \t\n 42",
  "-",
  "0x",
  "1e",
  "1e+",
  "..5",
  "nan inf",
  "12345678901234567890 9007199254740993",
  "-0x10",
  "0x7fffffffffffffff 0xffffffffffffffff",
  "3 4\n5 6\n",
  ("x"):rep(5000) .. "\n" .. ("y"):rep(100),
  "zero\0byte\nnext\0",
  ("9"):rep(250),
  "1 " .. ("2"):rep(199) .. " 3",
  "- 5",
  "+-5",
  "5e",
  "0xg",
  "1.2.3",
  "1,2",
  "\t\r\n7",
}

local formats = {
  {},
  { "l" },
  { "L" },
  { "a" },
  { "n" },
  { 0 },
  { 1 },
  { 5 },
  { 100000 },
  { "n", "l" },
  { "n", "n", "n", "n", "n" },
  { "l", "l", "l", "l" },
  { 2, "l", "a" },
  { "L", 3, "n" },
  { "*l", "*a" },
  { "n", "L", "a" },
  { 0, "a", 0 },
  { "a", "a" },
  { "line" },
}

describe("read:", function()
  it("agrees with io.read, whatever the text, the formats and the pieces it comes in", function()
    local sizes = { false, 1, 3 }
    local n = 0
    for ti, text in ipairs(texts) do
      for fi, format in ipairs(formats) do
        n = n + 1
        local size = sizes[n % #sizes + 1]
        if size and #text > 600 then
          size = 400
        end
        local file, stream = file_of(text), stream_of(text, size)
        for call = 1, 3 do
          local want = table.pack(file:read(table.unpack(format)))
          local got = table.pack(stream:read(table.unpack(format)))
          local what = ("text %d, formats %d, call %d"):format(ti, fi, call)
          assert.equal(want.n, got.n, what)
          for i = 1, want.n do
            assert.equal(want[i], got[i], what)
            assert.equal(math.type(want[i]), math.type(got[i]), what)
          end
          if want.n > 0 and want[want.n] == nil then
            break
          end -- after a failure the position of io is not defined
        end
        file:close()
        stream:close()
      end
    end
  end)

  it("lines agrees with io.lines", function()
    for _, text in ipairs(texts) do
      for _, format in ipairs { {}, { "l" }, { "L" }, { 4 }, { "n" }, { "l", "L" } } do
        local want, got = {}, {}
        local file, stream = file_of(text), stream_of(text, 7)
        for a, b in file:lines(table.unpack(format)) do
          want[#want + 1] = tostring(a) .. "|" .. tostring(b)
        end
        for a, b in stream:lines(table.unpack(format)) do
          got[#got + 1] = tostring(a) .. "|" .. tostring(b)
        end
        assert.same(want, got)
        stream:close()
      end
    end
  end)

  it("a line without end is bounded, with an error that says so, and nothing is lost", function()
    local n = 1024 * 1024 + 70000
    local stream = stream_of(("x"):rep(n))
    local line, message, code = stream:read("l")
    assert.is_nil(line)
    assert.equal("EMSGSIZE", code)
    assert.matches("1 MiB", message)
    local left = 0
    while true do
      local data = stream:recv()
      if not data then
        break
      end
      left = left + #data
    end
    assert.equal(n, left)
    stream:close()
  end)

  it("a line just below the bound is read", function()
    local text = ("y"):rep(1024 * 1024 - 10)
    local stream = stream_of(text .. "\nnext\n")
    assert.equal(#text, #stream:read("l"))
    assert.equal("next", stream:read("l"))
    assert.is_nil(stream:read("l"))
    stream:close()
  end)

  it("recv and read can be mixed", function()
    local stream = stream_of("head\nbody and tail")
    assert.equal("head", stream:read("l"))
    assert.equal("body", stream:read(4))
    assert.equal(" ", stream:recv(1))
    assert.equal("and tail", stream:read("a"))
    assert.equal("", stream:read("a"))
    assert.is_nil(stream:recv())
    stream:close()
  end)

  it("a connection that breaks inside a line: lines raises, the bytes are still there", function()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    local stream = assert(listener:accept())
    stream:write("unread, so that close resets")
    client:write("first\nhalf")
    local next_line = stream:lines()
    assert.equal("first", next_line())
    rt.spawn_local(function()
      rt.sleep(0.005)
      client:close()
    end)
    local ok, message = pcall(next_line)
    assert.is_false(ok)
    assert.matches("ECONNRESET", message)
    assert.equal("half", stream:recv())
    stream:close()
    listener:close()
  end)

  it("a number costs no more than a line of the same length, however small the pieces", function()
    local function cpu_time_of(format, text)
      local stream = stream_of(text, 100)
      local begun = os.clock()
      assert.is_truthy(stream:read(format))
      local took = os.clock() - begun
      stream:close()
      return took
    end
    local space = (" "):rep(200000)
    kit.in_time(2, function()
      return kit.cost_ratio(function()
        return cpu_time_of("n", space .. "7\n")
      end, function()
        return cpu_time_of("l", space .. "7\n")
      end)
    end)
  end)
end)
