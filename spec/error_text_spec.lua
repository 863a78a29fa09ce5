--- Errors that are tables are shown by their fields, and several errors of a scope with their tracebacks.
local kit = require("kit")
local rt = require("rt")

local text_of = require("rt.core").internal.error_text

describe("the text of an error that is a table:", function()
  local named = setmetatable({ code = 5 }, { __name = "My.error" })
  local cyclic = { 1, next = { back = {} } }
  cyclic.self, cyclic.next.back.top = cyclic, cyclic
  local untouchable = setmetatable({ code = 7 }, {
    __index = error,
    __pairs = error,
    __len = error,
    __eq = error,
    __gc = false,
  })
  local texts = {
    ["{}"] = {},
    ['{code = 5, message = "no such file"}'] = { message = "no such file", code = 5 },
    ["{1, 2, [4] = 4, a = true, b = false}"] = { 1, 2, nil, 4, b = false, a = true },
    ["{[-1] = 0, 1.0, -0.5, inf}"] = { [-1] = 0, [1] = 1.0, [2] = -0.5, [3] = math.huge },
    ['{["a b"] = 1, ["é"] = 2}'] = { ["a b"] = 1, ["é"] = 2 },
    ['{"a\\"b\\\\c\\nd\\000\\127"}'] = { 'a"b\\c\nd\0\127' },
    ["{f = function, t = thread, u = rt.notify}"] = {
      f = print,
      t = coroutine.create(print),
      u = rt.notify(),
    },
    ["My.error {code = 5}"] = named,
    ["{cause = My.error {code = 5}}"] = { cause = named },
    ["{1, next = {back = {top = {...}}}, self = {...}}"] = cyclic,
    ["{{{{{...}}}}}"] = { { { { { { 1 } } } } } },
    ["{code = 7}"] = untouchable,
    ["a text"] = setmetatable({ 1 }, {
      __tostring = function()
        return "a text"
      end,
    }),
    ["(error object is a table value)"] = setmetatable({ 1 }, { __tostring = error }),
    ["nil"] = nil,
    ["a string"] = "a string",
  }
  texts["{[true] = 1}"] = { [true] = 1 }

  for text, value in pairs(texts) do
    it(text, function()
      assert.equal(text, text_of(value))
    end)
  end

  it("has 16 fields of each table, 200 bytes of each string, and 1000 bytes in all", function()
    local many, letters = {}, {}
    for i = 1, 100 do
      many[i] = i
      letters[("%03d"):format(i)] = i
    end
    assert.equal("{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, ...}", text_of(many))
    assert.matches('^{%["001"%] = 1, .*, %["016"%] = 16, %.%.%.}$', text_of(letters))
    assert.equal('{"' .. ("x"):rep(200) .. '"...}', text_of { ("x"):rep(201) })
    assert.equal('{"' .. ("x"):rep(200) .. '"}', text_of { ("x"):rep(200) })
    assert.equal('{"x' .. ("é"):rep(99) .. '"...}', text_of { "x" .. ("é"):rep(100) })
    for before = 1, 4 do
      local long = {}
      for i = 1, 16 do
        long[i] = ("x"):rep(i == 1 and before or 0) .. ("é"):rep(90)
      end
      local text = text_of(long)
      assert.is_true(#text <= 1003 and #text > 990, #text)
      assert.truthy(utf8.len(text))
      assert.equal("...", text:sub(-3))
    end
  end)

  it("costs the same of a table that is wide and deep", function()
    local function tree(depth)
      local t = {}
      for i = 1, depth > 0 and 30 or 0 do
        t[i] = tree(depth - 1)
      end
      return t
    end
    local big, huge = tree(3), {}
    for i = 1, 300000 do
      huge[i] = big
    end
    local small = {}
    for i = 1, 10000 do
      small[i] = i
    end
    kit.in_time(2, function()
      return kit.cost_ratio(function()
        local began = os.clock()
        text_of(huge)
        return os.clock() - began
      end, function()
        local began = os.clock()
        text_of(small)
        return os.clock() - began
      end)
    end)
  end)

  it("is reported by rt, and by rt-lua when the main chunk fails", function()
    local code, out, err = kit.run([[
      local rt = require("rt")
      rt.spawn_local(error, { code = 1 })
      local task = rt.spawn(function() error { code = 2, co = coroutine.create(print) } end)
      while task:status() ~= "failed" do rt.sleep(0.001) end
    ]])
    assert.same({ 1, "" }, { code, out })
    assert.matches("\n{code = 1}\nstack traceback:", err)
    assert.matches("\n{co = thread, code = 2}\n%(the error itself could not be handed on", err)
    code, out, err = kit.run("require('rt') error { code = 4 }")
    assert.same({ 1, "" }, { code, out })
    assert.matches(kit.in_rt_lua and ": {code = 4}\nstack traceback:" or "a table value", err)
  end)
end)

describe("several errors of a scope:", function()
  local function fail_twice(scope)
    local up = rt.channel(2)
    local function first()
      up:send(1)
      pcall(rt.sleep, 3600)
      error("one", 0)
    end
    local function second()
      up:send(1)
      pcall(rt.sleep, 3600)
      error { code = 2 }
    end
    scope:spawn(first)
    scope:spawn_local(second)
    up:recv()
    up:recv()
    error("body", 0)
  end
  local here = debug.getinfo(fail_twice, "S").linedefined
  local places = { first = here + 5, second = here + 10 }

  it("G21 keep their tracebacks", function()
    local _, err = pcall(rt.scope, fail_twice)
    assert.same({ "body", "one", { code = 2 } }, err.errors)
    assert.equal("3 tasks failed:\n  1. body\n  2. one\n  3. {code = 2}", tostring(err))
    assert.equal(3, #err.traces)
    assert.matches("^stack traceback:\n", err.traces[1])
    assert.matches("^in task %d+, spawned at .*error_text_spec.lua:%d+\nstack", err.traces[2])
    assert.matches("error_text_spec.lua:" .. places.first, err.traces[2])
    assert.matches("error_text_spec.lua:" .. places.second, err.traces[3])
  end)

  it("G21 keep them on the way to another worker", function()
    local task = rt.spawn(function()
      rt.scope(fail_twice)
    end)
    local _, err = pcall(task.join, task)
    assert.equal("3 tasks failed:\n  1. body\n  2. one\n  3. {code = 2}", tostring(err))
    assert.matches("error_text_spec.lua:" .. places.first, err.traces[2])
  end)

  it("G21 are one error for a scope around: all its tasks that join the task fail of it", function()
    local _, err = pcall(rt.scope, function(scope)
      local task = scope:spawn_local(function()
        rt.scope(fail_twice)
      end)
      scope:spawn_local(task.join, task)
      task:join()
    end)
    assert.equal(3, err.n)
    assert.matches("^3 tasks failed", tostring(err))
  end)

  it("G21 are reported with them, of 16 at most", function()
    local code, out, err = kit.run([[
      local rt = require("rt")
      local function fail(i)
        pcall(rt.sleep, 3600)
        error("failure " .. i)
      end
      local task = rt.spawn_local(function()
        rt.scope(function(scope)
          for i = 1, 20 do scope:spawn_local(fail, i) end
          rt.yield()
          error("body")
        end)
      end)
      while task:status() ~= "failed" do rt.yield() end
    ]])
    assert.same({ 1, "" }, { code, out })
    assert.matches("\n21 tasks failed:\n  1. [^\n]*: body\n", err)
    assert.matches("\nstack traceback:.*\n1%. stack traceback:\n", err)
    assert.matches("\n16%. in task %d+, spawned at [^\n]*\nstack traceback:\n", err)
    assert.not_matches("\n1[89]%. ", err)
    assert.matches("\n%(and 5 more%)\n", err)
  end)
end)
