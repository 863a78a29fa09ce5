local history = require("history")
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local LONG = ("long "):rep(1000)

--- Runs a program with 1, 2 and 4 workers; it must print the expected sum.
local function each(program, n, expected)
  for _, workers in ipairs { 1, 2, 4 } do
    local code, out, err = kit.run(program, workers .. " " .. n)
    assert.same({ 0, expected, "" }, { code, out, err }, "workers: " .. workers)
  end
end

--- Applies one operation to one value.
local function apply(op, value)
  local a, b = op[2], op[3]
  if op[1] == "get" then
    return value, value
  elseif op[1] == "set" then
    return true, a
  elseif op[1] == "add" then
    return value == nil, value == nil and a or value
  elseif op[1] == "replace" then
    return value ~= nil, value ~= nil and a or value
  elseif op[1] == "delete" then
    return value ~= nil, nil
  elseif op[1] == "incr" then
    return (value or 0) + a, (value or 0) + a
  elseif op[1] == "cas" then
    return value == a, value == a and b or value
  end
  return (value or 0) * 2 + 1, (value or 0) * 2 + 1 -- update
end

local function linearizable(ops)
  return history.linearizable(ops, function(op, value)
    local result, after = apply(op, value)
    return result == op.result, after
  end)
end

describe("rt.dict", function()
  it("keeps values of every type that travels", function()
    local d, other = rt.dict(), rt.channel(1)
    local values = { 1, -1, math.maxinteger, 1.5, math.huge, true, false, "", "short", LONG, "\0" }
    for i, v in ipairs(values) do
      assert.is_true((d:set(i, v)))
    end
    for i, v in ipairs(values) do
      assert.equal(v, d:get(i))
      assert.equal(math.type(v), math.type(d:get(i)))
    end
    local t = { 1, { x = LONG } }
    t.self = t
    d:set("t", t)
    t[1] = 2
    local copy = d:get("t")
    assert.equal(1, copy[1])
    assert.equal(copy, copy.self)
    assert.equal(LONG, copy[2].x)
    assert.not_equal(copy, d:get("t"))
    d:set("f", function(x)
      return x + #values
    end)
    assert.equal(#values + 1, d:get("f")(1))
    d:set("channel", { other })
    d:get("channel")[1]:send("through")
    assert.equal("through", (other:recv()))
    d:set("print", print)
    assert.equal(print, d:get("print"))
    assert.equal(nil, d:get("none"))
  end)

  it("keys are those of Lua: 1 is 1.0, but not '1' or true", function()
    local d = rt.dict()
    local keys = { "1", 1, true, false, 1.5, "", "a\0b", "a", LONG, -1, math.mininteger, 2 ^ 53 }
    for i, key in ipairs(keys) do
      d:set(key, i)
    end
    for i, key in ipairs(keys) do
      assert.equal(i, d:get(key))
    end
    assert.equal(#keys, #d)
    d:set(1.0, "one")
    d:set(-0.0, "zero")
    assert.equal("one", d:get(1))
    assert.equal("zero", d:get(0))
    local listed = {}
    for _, key in ipairs(d:keys()) do
      listed[key] = true
      assert.is_nil(math.type(key) == "float" and math.tointeger(key) or nil)
    end
    for _, key in ipairs(keys) do
      assert.is_true(listed[key])
    end
    assert.equal(3, #d:keys(3))
    assert.equal(0, #d:keys(0))
  end)

  it("set, add, replace, delete, clear", function()
    local d = rt.dict()
    assert.is_true(d:add("k", 1))
    assert.is_false(d:add("k", 2))
    assert.equal(1, d:get("k"))
    assert.is_true(d:replace("k", 3))
    assert.is_false(d:replace("none", 3))
    assert.is_nil(d:get("none"))
    assert.is_true(d:delete("k"))
    assert.is_false(d:delete("k"))
    d:set("k", 1)
    assert.is_true(d:set("k", nil))
    assert.equal(0, #d)
    for i = 1, 1000 do
      d:set(i, LONG)
    end
    local entries, bytes = d:count()
    assert.equal(1000, entries)
    assert.is_true(bytes > 1000 * #LONG and bytes < 1200 * #LONG, bytes)
    assert.equal("rt.dict (1000 entries)", tostring(d))
    d:clear()
    assert.same({ 0, 0 }, { d:count() })
    assert.same({}, d:keys())
    assert.is_nil(d:get(1))
  end)

  it("incr: integers stay integers, and wrap around as Lua's do", function()
    local d = rt.dict()
    assert.equal(1, d:incr("n"))
    assert.equal(3, d:incr("n", 2))
    assert.equal("integer", math.type(d:get("n")))
    assert.equal(3.5, d:incr("n", 0.5))
    assert.equal(4.5, d:incr("n"))
    assert.equal(105, d:incr("m", 5, 100))
    assert.equal(110, d:incr("m", 5, 100))
    d:set("m", math.maxinteger)
    assert.equal(math.mininteger, d:incr("m"))
    for _, wrong in ipairs { "1", true, {} } do
      d:set("w", wrong)
      assert.same({ nil, "not a number" }, { d:incr("w") })
      assert.same(wrong, d:get("w"))
    end
    d:set("t", 1, 100)
    d:incr("t")
    assert.is_true(d:ttl("t") <= 100)
  end)

  it("cas: scalars as Lua compares them, the rest by what was packed", function()
    local d = rt.dict()
    assert.is_false(d:cas("k", 1, 2))
    assert.is_true(d:cas("k", nil, 1))
    assert.is_false(d:cas("k", nil, 2))
    assert.is_true(d:cas("k", 1.0, "s"))
    assert.is_true(d:cas("k", "s", LONG))
    assert.is_false(d:cas("k", LONG .. "x", 1))
    assert.is_true(d:cas("k", LONG, { 1, 2, { 3 } }))
    assert.is_false(d:cas("k", { 1, 2, { 4 } }, 1))
    assert.is_true(d:cas("k", { 1, 2, { 3 } }, false))
    assert.is_true(d:cas("k", false, nil))
    assert.equal(0, #d)
    d:set("k", 2 ^ 53)
    assert.is_false(d:cas("k", (1 << 53) + 1, 1))
    local ch = rt.channel()
    d:set("k", { ch })
    assert.is_false(d:cas("k", { rt.channel() }, 1))
    assert.is_true(d:cas("k", { ch }, 1))
    d:expire("k", 100)
    assert.is_true(d:cas("k", 1, 2))
    assert.is_true(d:ttl("k") <= 100)
  end)

  it("update: nil deletes, an error changes nothing, a wait is allowed", function()
    local d = rt.dict()
    local function add(old, x)
      return (old or 0) + x
    end
    assert.equal(5, d:update("k", add, 5))
    assert.equal(8, d:update("k", add, 3))
    assert.equal(8, d:get("k"))
    assert.equal("no", select(2, pcall(d.update, d, "k", error, "no")) and "no")
    assert.equal(8, d:get("k"))
    assert.is_nil(d:update("k", function() end))
    assert.equal(0, #d)
    local calls, gate = 0, rt.semaphore(0)
    local slow = rt.spawn_local(function()
      return d:update("k", function(old)
        calls = calls + 1
        gate:acquire()
        return (old or 0) + 1
      end)
    end)
    task_kit.waits(slow)
    d:set("k", 10)
    gate:release(2)
    assert.equal(11, (slow:join()))
    assert.equal(2, calls)
    d:set("list", {})
    for i = 1, 20 do
      d:update("list", function(list)
        list[#list + 1] = i
        return list
      end)
    end
    assert.equal(20, #d:get("list"))
    d:expire("list", 100)
    assert.equal(
      "x",
      d:update("list", rawlen and function()
        return "x"
      end)
    )
    assert.is_true(d:ttl("list") <= 100)
  end)

  it("G8 a cancelled update has changed nothing", function()
    local d = rt.dict()
    d:set("k", 1)
    local task = rt.spawn_local(d.update, d, "k", function(old)
      rt.sleep(10)
      return old + 1
    end)
    task_kit.waits(task)
    task:cancel()
    assert.is_false((pcall(task.join, task)))
    assert.equal(1, d:get("k"))
  end)

  it("entries expire", function()
    local d = rt.dict()
    d:set("soon", 1, 10)
    d:set("late", 2, 100)
    d:set("never", 3)
    assert.equal(1, d:get("soon"))
    assert.is_true(d:ttl("soon") <= 10)
    d:set("soon", 1, 0.02)
    assert.is_true(d:ttl("late") > 100 - kit.slow and d:ttl("late") <= 100)
    assert.equal(math.huge, d:ttl("never"))
    assert.is_nil(d:ttl("none"))
    rt.sleep(0.021)
    assert.is_nil(d:get("soon"))
    assert.is_nil(d:ttl("soon"))
    assert.is_false(d:delete("soon"))
    assert.equal(2, #d)
    assert.equal(2, #d:keys())
    assert.is_true(d:expire("never", 0.01))
    assert.is_true(d:expire("late", math.huge))
    assert.is_false(d:expire("soon", 1))
    rt.sleep(0.011)
    assert.same({ "late" }, d:keys())
    assert.equal(math.huge, d:ttl("late"))
    assert.is_true(d:add("never", 1, 0.01))
    assert.is_true(d:set("never", 1))
    assert.equal(math.huge, d:ttl("never"))
    d:set("gone", 1, 0)
    assert.is_nil(d:get("gone"))
    assert.is_true(d:expire("never", -1))
    assert.is_nil(d:get("never"))
    assert.equal(7, d:incr("gone", 2, 5))
    assert.equal(2, #d)
  end)

  it("a full dict refuses what is new, unless something has expired", function()
    local d = rt.dict { max_entries = 3 }
    d:set(1, 1)
    d:set(2, 2)
    d:set(3, 3)
    for _, f in ipairs { "set", "add", "incr" } do
      assert.same({ nil, "full" }, { d[f](d, 4, 4) })
    end
    assert.same({ nil, "full" }, { d:cas(4, nil, 4) })
    assert.same({ nil, "full" }, {
      d:update(4, function()
        return 4
      end),
    })
    assert.is_true((d:set(1, LONG)))
    d:expire(3, 0.005)
    rt.sleep(0.006)
    assert.is_true((d:set(4, 4)))
    assert.equal(3, #d)
    d = rt.dict { max_bytes = 10000 }
    assert.same({ nil, "full" }, { d:set(1, LONG:rep(2)) })
    assert.is_true((d:set(1, LONG)))
    assert.same({ nil, "full" }, { d:set(2, LONG) })
    assert.same({ nil, "full" }, { d:replace(1, LONG:rep(2)) })
    assert.equal(LONG, d:get(1))
  end)

  it("a dict that evicts forgets what was not used for the longest time", function()
    local d = rt.dict { max_entries = 3, when_full = "evict" }
    for i = 1, 3 do
      d:set(i, i)
    end
    d:get(1)
    d:set(2, 22)
    assert.is_true((d:set(4, 4)))
    assert.same({ 1, 22, nil, 4 }, { d:get(1), d:get(2), d:get(3), d:get(4) })
    d = rt.dict { max_entries = 20000, when_full = "evict" }
    for i = 1, 60000 do
      d:set(i, i)
      d:get(7) -- the key that is used most often
    end
    assert.equal(20000, #d)
    assert.equal(7, d:get(7))
    local recent = 0
    for i = 50001, 60000 do
      recent = recent + (d:get(i) and 1 or 0)
    end
    assert.is_true(recent > 9500, recent .. " of the last 10000 are there")
    d = rt.dict { max_bytes = 100000, when_full = "evict" }
    for i = 1, 1000 do
      d:set(i, LONG)
      assert.is_true(select(2, d:count()) <= 100000)
    end
    assert.equal(LONG, d:get(1000))
    assert.same({ nil, "full" }, { d:set(1, LONG:rep(21)) })
  end)

  it("is the same dict wherever it goes", function()
    local d = rt.dict()
    local task = rt.spawn(function(e)
      d:set("up", 1)
      e.dict:set("in", 2)
      return d, d == e.dict
    end, { dict = d })
    local back, same = task:join()
    assert.is_true(same)
    assert.is_true(back == d)
    assert.is_false(rt.dict() == d)
    assert.same({ 1, 2 }, { d:get("up"), d:get("in") })
    d:set("nested", rt.dict())
    d:get("nested"):set("deep", 3)
    assert.equal(3, d:get("nested"):get("deep"))
  end)

  it("no increment is lost: 8 tasks, with 1, 2 and 4 workers", function()
    each(kit.program("increments"), kit.flavor == "" and 100000 or 10000, "true\ttrue\t11\n")
  end)

  it("cas and update lose nothing: 4 tasks, with 1, 2 and 4 workers", function()
    local n = kit.flavor == "" and 5000 or 500
    each(kit.program("cas_and_update"), n, "true\ttrue\ttrue\n")
  end)

  it("add: of many, one wins", function()
    local d, tasks = rt.dict(), {}
    for i = 1, 8 do
      tasks[i] = rt.spawn(function()
        local won = 0
        for k = 1, 1000 do
          won = won + (d:add(k, i) and 1 or 0)
        end
        return won
      end)
    end
    local won = 0
    for i = 1, 8 do
      won = won + tasks[i]:join()
    end
    assert.equal(1000, won)
  end)

  it("each key is linearizable, as histories of random programs say", function()
    local seed = tonumber(os.getenv("RT_SEED")) or os.time()
    local rounds = ({ asan = 100, tsan = 60, tight = 150 })[kit.flavor] or 300
    local tasks, ops = 4, 6
    local d, go = rt.dict(), rt.dict()
    local running = {}
    for i = 1, tasks do
      running[i] = rt.spawn(function()
        math.randomseed(seed, i)
        local log = {}
        local kinds = { "get", "set", "add", "replace", "delete", "incr", "cas", "update" }
        local function twice(old)
          return (old or 0) * 2 + 1
        end
        for round = 1, rounds do
          go:incr(round)
          local patience = 1000
          while go:get(round) < tasks and patience > 0 do
            patience = patience - 1 -- the tasks begin at the same time, if there are enough workers
          end
          for _ = 1, ops do
            local op = { kinds[math.random(#kinds)], math.random(3), math.random(3), round = round }
            local argument = op[1] == "update" and twice or op[2]
            op.called = rt.now()
            op.result = d[op[1]](d, round, argument, op[1] == "cas" and op[3] or nil)
            op.returned = rt.now()
            log[#log + 1] = op
          end
        end
        return log
      end)
    end
    local histories = {}
    for i = 1, tasks do
      for _, op in ipairs((running[i]:join())) do
        histories[op.round] = histories[op.round] or {}
        table.insert(histories[op.round], op)
      end
    end
    for round = 1, rounds do
      assert.equal(tasks * ops, #histories[round])
      assert.is_true(linearizable(histories[round]), ("RT_SEED=%d round %d"):format(seed, round))
    end
  end)

  it("… and the judge knows a history that is not", function()
    local stale = {
      { "set", 1, called = 1, returned = 2, result = true },
      { "set", 2, called = 3, returned = 4, result = true },
      { "get", called = 5, returned = 6, result = 1 },
    }
    assert.is_false(linearizable(stale))
    stale[2].called, stale[2].returned = 1.5, 7
    assert.is_true(linearizable(stale))
    local lost = {
      { "incr", 1, called = 1, returned = 4, result = 1 },
      { "incr", 1, called = 2, returned = 3, result = 1 },
    }
    assert.is_false(linearizable(lost))
  end)

  it("keys lists every key that stays, once, while others come and go", function()
    local d, stop = rt.dict(), rt.dict()
    for i = 1, 1000 do
      d:set("stays " .. i, i)
    end
    local churn = {}
    for i = 1, 2 do
      churn[i] = rt.spawn(function()
        local k = 0
        while not stop:get("now") do
          k = k + 1
          d:set(i * 1e6 + k, k)
          d:delete(i * 1e6 + k - 500)
        end
      end)
    end
    for _ = 1, 50 do
      local seen, stable = {}, 0
      for _, key in ipairs(d:keys()) do
        assert.is_nil(seen[key])
        seen[key] = true
        stable = stable + (type(key) == "string" and 1 or 0)
      end
      assert.equal(1000, stable)
      rt.sleep(0.001)
    end
    stop:set("now", true)
    rt.join(table.unpack(churn))
  end)

  it("G29 churn leaves the memory flat", function()
    if kit.flavor == "asan" or kit.flavor == "tsan" then
      return pending("sanitizers keep freed memory")
    end
    local d = rt.dict()
    local function round(n)
      for i = 1, n do
        d:set(i % 5000, { i, "text " .. i })
        d:set("key " .. i, LONG:sub(1, i % 500), 0.001)
        d:get(i % 5000)
        if i % 3 == 0 then
          d:delete(i % 5000)
        end
      end
      collectgarbage()
      collectgarbage()
    end
    round(100000)
    local before = kit.rss()
    round(300000)
    local grown = kit.rss() - before
    assert.is_true(grown < 3 << 20, grown .. " bytes more")
  end)

  it("misuse raises", function()
    local d = rt.dict()
    assert.matches("string, number or boolean expected, got nil", kit.refused(d.get, d, nil))
    assert.matches("string, number or boolean expected, got table", kit.refused(d.set, d, {}, 1))
    assert.matches("got NaN", kit.refused(d.set, d, 0 / 0, 1))
    assert.matches("value expected", kit.refused(d.set, d, 1))
    assert.matches("number expected, got string", kit.refused(d.set, d, 1, 1, "x"))
    assert.matches("got NaN", kit.refused(d.set, d, 1, 1, 0 / 0))
    assert.matches("number expected, got string", kit.refused(d.incr, d, 1, "1"))
    assert.matches("function expected", kit.refused(d.update, d, 1))
    assert.matches("a limit of at least 0", kit.refused(d.keys, d, -1))
    assert.matches("unknown option 'max'", kit.refused(rt.dict, { max = 1 }))
    assert.matches("unknown option ''", kit.refused(rt.dict, { [""] = 1 }))
    assert.matches("option 'max_entries'", kit.refused(rt.dict, { max_entries = 0 }))
    assert.matches("option 'max_bytes'", kit.refused(rt.dict, { max_bytes = "1" }))
    assert.matches("option 'when_full'", kit.refused(rt.dict, { when_full = "wait" }))
    assert.matches("table expected, got number", kit.refused(rt.dict, 5))
    assert.is_true((rt.dict({ max_entries = math.huge, max_bytes = math.huge }):set(1, 1)))
    local file = io.tmpfile()
    local refusal = "cannot send value 1 .x %(userdata FILE%*%)"
    assert.matches(refusal, kit.refused(d.set, d, 1, { x = file }))
    assert.matches(refusal, kit.refused(d.cas, d, 1, { x = file }, 1))
    assert.matches(refusal, kit.refused(d.cas, d, 1, LONG, { x = file }))
    assert.matches(refusal, kit.refused(d.cas, d, 1, { x = file }, LONG))
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    assert.matches("only one task can have", kit.refused(d.set, d, 1, listener))
    assert.equal("127.0.0.1", (listener:sock()))
    assert.equal(0, #d)
    for _, name in ipairs { "get", "set", "keys", "count", "clear", "update" } do
      assert.matches("rt.dict expected", kit.refused(d[name], io.stdout, 1, 1))
    end
  end)
end)
