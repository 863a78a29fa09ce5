local kit = require("kit")

--- How many timeouts end code that takes things and gives them back, in all cases of a host. With
--- this period of the CPU timer, a timeout of no time ends its loop after some 50 us of it.
local TIMEOUTS = kit.flavor ~= "" and 2000 or kit.in_rt_lua and 100000 or 20000
local ENV = "RT_WORKERS=1 RT_TICK_US=50"

describe("what a function has returned into a <close> variable", function()
  for _, where in ipairs { "main", "local", "pool" } do
    for _, what in ipairs { "lock", "permit", "file" } do
      it(("G30 is closed, whenever a timeout comes: %s, %s"):format(what, where), function()
        local arguments = ("%s %s %d"):format(where, what, TIMEOUTS // 9 + 1)
        local code, out, err = kit.run(kit.program("nothing_left_behind"), arguments, 300, ENV)
        assert.equal("", out .. err)
        assert.equal(0, code)
      end)
    end
  end
end)

describe("a __close that computes", function()
  for _, shape in ipairs { "short", "long", "tail", "nested", "failing" } do
    it("G30 comes to its end, whenever a timeout comes: " .. shape, function()
      local count, env = kit.flavor == "" and 300 or 60, ENV
      if shape == "long" then -- with the usual period, which is CPU time, load does not end it
        count, env = 6, "RT_WORKERS=1"
      end
      local code, out, err = kit.run(kit.program("whole_close"), shape .. " " .. count, 120, env)
      assert.equal(("%d timeouts, 0 in the middle\n"):format(count), out .. err)
      assert.equal(0, code)
    end)
  end

  local shapes = {
    "short",
    "tail",
    "tail to ...",
    "nested",
    "failing",
    "parameters",
    "...",
    "a table",
    "generators",
    "deep",
  }
  for _, by in ipairs {
    "the end of its scope",
    "the end of its scope, at the end of a coroutine",
    "pcall",
    "xpcall",
    "pcall in a coroutine",
    "rt.timeout",
    "rt.within",
    "coroutine.close",
    "coroutine.wrap",
  } do
    it("G30 comes to its end, whatever it is like: called by " .. by, function()
      local count = kit.flavor == "" and 60 or 12
      for _, shape in ipairs(shapes) do
        local arguments = ("'%s' %d '%s'"):format(shape, count, by)
        local code, out, err = kit.run(kit.program("whole_close"), arguments, 120, ENV)
        local expected = ("%s: %d timeouts, 0 in the middle\n"):format(shape, count)
        assert.equal(expected, shape .. ": " .. out .. err)
        assert.equal(0, code)
      end
    end)

    it("G10 is not called again after a timeout: called by " .. by, function()
      if kit.flavor == "tsan" then
        return pending("the thread sanitizer delays signals of code that computes")
      end
      local code, out, err = kit.run(kit.program("whole_close"), ("long 3 '%s'"):format(by), 60)
      assert.equal("3 timeouts, 0 in the middle\n", out .. err)
      assert.equal(0, code)
    end)
  end

  it("G30 is ended if it computes for ever", function()
    local code, out, err = kit.run(kit.program("endless_close"), "", 60)
    assert.equal(("nil\ttimeout\n"):rep(5), out .. err)
    assert.equal(0, code)
  end)
end)

describe("code that a timeout is to end", function()
  it("G30 ends although it hands such a value on for ever", function()
    if kit.flavor == "tsan" then
      return pending("the thread sanitizer delays signals of code that computes")
    end
    local code, out, err = kit.run(kit.program("handed_on"), "", 60, ENV)
    assert.equal("timeout\ntimeout\ntimeout\n", out .. err)
    assert.equal(0, code)
  end)
end)
