--- rt.retry: functions that fail are called again.
local kit = require("kit")
local rt = require("rt")

--- A function that fails `failures` times, by an error or by nil and a message, and a table with the
--- number of its calls.
local function flaky(failures, how)
  local count = { calls = 0 }
  return function(...)
    count.calls = count.calls + 1
    if count.calls > failures then
      return ...
    elseif how == "returns" then
      return nil, "failure " .. count.calls, "ECODE"
    end
    error("failure " .. count.calls, 0)
  end,
    count
end

local quick = { backoff = 0 }

describe("rt.retry", function()
  it("calls the function until it does not fail, and returns its results", function()
    for _, how in ipairs { "raises", "returns" } do
      local f, count = flaky(2, how)
      assert.same({ nil, nil, 7, n = 3 }, table.pack(rt.retry(quick, f, nil, nil, 7)))
      assert.equal(3, count.calls)
    end
    local f, count = flaky(0)
    assert.equal(0, select("#", rt.retry({}, f)))
    assert.equal(false, rt.retry({}, f, false, "no error"))
    assert.equal(2, count.calls)
  end)

  it("raises the last error as it is, or returns the last results, after the last try", function()
    local f, count = flaky(10, "returns")
    local last = { rt.retry({ tries = 4, backoff = 0 }, f) }
    assert.same({ nil, "failure 4", "ECODE" }, last)
    assert.equal(4, count.calls)
    local errors = {}
    local ok, err = pcall(rt.retry, quick, function()
      errors[#errors + 1] = { "an object" }
      error(errors[#errors])
    end)
    assert.is_false(ok)
    assert.equal(3, #errors)
    assert.equal(errors[3], err)
  end)

  it("says in the traceback how many tries there were", function()
    local function fail()
      error("broken")
    end
    local _, trace = xpcall(rt.retry, rt.traceback, quick, fail)
    assert.matches("spec/retry_spec.lua:%d+: in .*%(the last of 3 tries%)$", trace)
    _, trace = xpcall(rt.retry, rt.traceback, { tries = 1 }, fail)
    assert.matches("spec/retry_spec.lua:%d+: in ", trace)
    assert.is_nil(trace:find("tries", 1, true))
    _, trace = xpcall(rt.retry, rt.traceback, quick, rt.call, fail)
    assert.matches("in task %d+, spawned at .*%(the last of 3 tries%)", trace)
  end)

  it("asks `when` with the error, the number of the try and what came behind", function()
    local asked = {}
    local f, count = flaky(10, "returns")
    local options = {
      tries = 5,
      backoff = 0,
      when = function(...)
        asked[#asked + 1] = table.pack(...)
        return #asked < 3
      end,
    }
    assert.same({ nil, "failure 3", "ECODE" }, { rt.retry(options, f) })
    assert.equal(3, count.calls)
    assert.same({
      { "failure 1", 1, "ECODE", n = 3 },
      { "failure 2", 2, "ECODE", n = 3 },
      { "failure 3", 3, "ECODE", n = 3 },
    }, asked)
    asked, options.tries = {}, 2
    assert.is_false(pcall(rt.retry, options, error, "x", 0))
    assert.same({ { "x", 1, n = 2 } }, asked) -- not after the last try
    assert.matches(
      "of when",
      kit.refused(rt.retry, {
        when = function()
          error("of when")
        end,
      }, error)
    )
  end)

  it("never retries an rt.Cancelled", function()
    local calls = 0
    local sleeper = rt.spawn_local(rt.sleep, math.huge)
    sleeper:cancel("by itself")
    local ok, err = pcall(rt.retry, quick, function()
      calls = calls + 1
      sleeper:join()
    end)
    assert.same({ false, "by itself", 1 }, { ok, err.reason, calls })
  end)

  it("G10 a timeout of the caller ends it where f waits, and where it pauses", function()
    local calls = 0
    local function waits()
      calls = calls + 1
      rt.sleep(math.huge)
    end
    assert.same({ nil, "timeout" }, { rt.timeout(0.01, rt.retry, quick, waits) })
    assert.equal(1, calls)
    local f, count = flaky(math.huge)
    local forever = { tries = math.huge, backoff = 1000, jitter = false }
    assert.same({ nil, "timeout" }, { rt.timeout(0.01, rt.retry, forever, f) })
    assert.equal(1, count.calls)
    forever.backoff = 0
    assert.same({ nil, "timeout" }, { rt.timeout(0.01, rt.retry, forever, f) })
    assert.is_true(count.calls > 3)
  end)

  it("a timeout within f is an error of that try", function()
    local calls = 0
    local function slow()
      calls = calls + 1
      return rt.timeout(0.001, rt.sleep, calls < 3 and math.huge or 0) or calls == 3
    end
    local function again()
      return rt.timeout(0.001, rt.sleep, math.huge)
    end
    assert.is_true(rt.retry(quick, function()
      return slow() or nil, "too slow"
    end))
    assert.equal(3, calls)
    assert.same({ nil, "timeout" }, { rt.retry(quick, again) })
  end)

  it("pauses as long as it is told: doubled, by a function, and at random", function()
    local code, out, err = kit.run(kit.program("pauses"))
    assert.same({ 0, "right\n" }, { code, out }, err)
  end)

  it("pauses at least so long, without jitter", function()
    local f = flaky(3)
    local began = rt.now()
    rt.retry({ tries = 4, backoff = 0.01, jitter = false }, f)
    assert.is_true(rt.now() - began >= 0.07)
    local numbers = {}
    began = rt.now()
    rt.retry({
      tries = 3,
      jitter = false,
      backoff = function(n)
        numbers[#numbers + 1] = n
        return 0.01
      end,
    }, flaky(2))
    assert.is_true(rt.now() - began >= 0.02)
    assert.same({ 1, 2 }, numbers)
  end)

  it("wrong arguments are refused at the line of the caller", function()
    for expected, call in pairs {
      ["bad argument #1 to 'retry' (table expected, got number)"] = { 5, print },
      ["bad argument #2 to 'retry' (function expected, got no value)"] = { {} },
      ["bad argument #2 to 'retry' (function expected, got nil)"] = { {}, nil, n = 2 },
      ["option 'tries': a number of tries from 1 expected, got number"] = { { tries = 0 }, print },
      ["option 'tries': a number of tries from 1 expected, got string"] = { { tries = "2" }, print },
      ["option 'backoff': seconds or function expected, got number"] = { { backoff = -1 }, print },
      ["option 'jitter': boolean or number from 0 to 1 expected, got number"] = {
        { jitter = 2 },
        print,
      },
      ["option 'when': function expected, got boolean"] = { { when = true }, print },
      ["rt.retry: unknown option 'try' (known: tries, backoff, jitter, when)"] = {
        { try = 1 },
        print,
      },
      ["option 'backoff': a function that returns seconds expected, got nil"] = {
        { backoff = function() end },
        error,
      },
    } do
      local message = kit.refused(function()
        rt.retry(table.unpack(call, 1, call.n))
      end)
      assert.equal(expected, message:match("^spec/retry_spec.lua:%d+: (.*)$"), message)
    end
  end)
end)
