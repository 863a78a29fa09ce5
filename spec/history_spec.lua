--- What concurrent tasks did to one channel, or one semaphore, can be told as a story in which one
--- thing happens at a time. (Of mutexes and dicts the same: sync_spec, dict_spec.)
local history = require("history")
local kit = require("kit")

--- `rounds` rounds of four tasks on a new object, each of them six steps.
local program = [[
  local history = require("history")
  local function rounds(n, make, task, judge)
    for round = 1, math.max(3, n * SCALE // 1) do
      local object, barrier, tasks, all = make(round), rt.barrier(4), {}, {}
      for i = 1, 4 do
        tasks[i] = (i == 4 and rt.spawn_local or rt.spawn)(function()
          math.randomseed(SEED, round * 8 + i)
          local log = {}
          barrier:wait()
          task(object, log, i)
          return log
        end)
      end
      for i = 1, 4 do
        local log = tasks[i]:join()
        table.move(log, 1, #log, #all + 1, all)
      end
      judge(all, round)
    end
    print("right")
  end
]]

--- A channel as a string: what it holds, and "!" when it is closed.
local channel_story = [[
  local function channel_story(capacity)
    return function(op, state)
      local held, closed = state:match("^([^!]*)(!?)$")
      closed = closed == "!"
      local _, count = held:gsub(";", "")
      local what, value = op[1], op[2]
      if what == "close" then
        return true, held .. "!"
      elseif what == "send" then
        if op.result then
          return not closed and count < capacity, held .. value .. ";"
        elseif op.why == "full" then
          return not closed and count == capacity, state
        end
        return op.why == "closed" and closed, state
      end
      local first, rest = held:match("^(%d+);(.*)$")
      if op.result then
        return first == tostring(op.result), rest and rest .. (closed and "!" or "")
      elseif op.why == "empty" then
        return not first and not closed, state
      end
      return op.why == "closed" and closed and not first, state
    end
  end
]]

--- A channel that holds nothing: what is sent is received next, by one who came before the sender
--- went. So the state is empty, or what has just been sent and until when its sender was there. (That
--- nobody was there whom one that does not wait could have met, nobody can see.)
local rendezvous_story = [[
  local function rendezvous_story(op, state)
    local value, till = state:match("^(%d+) (%S+)$")
    local closed = state == "!"
    if value then
      return op.result and op[1] == "recv" and tostring(op.result) == value
        and op.called <= tonumber(till), ""
    elseif op[1] == "close" then
      return true, "!"
    elseif op.result then
      return op[1] == "send" and not closed, ("%d %.17g"):format(op[2] or 0, op.returned)
    elseif op.why == "closed" then
      return closed, state
    end
    return not closed and op.why == (op[1] == "send" and "full" or "empty"), state
  end
  local function nothing_left(state) return not state:find(" ") end
]]

--- A semaphore as a number. Whoever does not want to wait may be refused though there are
--- permits, if somebody waits for more.
local semaphore_story = [[
  local function semaphore_story(op, permits)
    local what, n = op[1], op[2]
    if what == "release" then
      return true, permits + n
    elseif op.result then
      return permits >= n, permits - n
    end
    return permits < n or op.excused, permits
  end
]]

describe("random programs are linearizable:", function()
  it("G20 channels, a rendezvous among them", function()
    kit.on_workers(program .. channel_story .. rendezvous_story .. [[
      local function step(ch, log, value)
        local what, patience = math.random(7), math.random() * 0.001
        local from = rt.now()
        local op
        if what == 1 then
          history.note(log, "send", value, ch.try_send, ch, value)
        elseif what == 2 then
          history.note(log, "recv", nil, ch.try_recv, ch)
        elseif what == 3 then
          op = history.note(log, "send", value, rt.timeout, patience, ch.send, ch, value)
        elseif what == 4 then
          op = history.note(log, "recv", nil, rt.timeout, patience, ch.recv, ch)
        elseif what == 5 and math.random(10) == 1 then
          history.note(log, "close", nil, ch.close, ch)
        else
          local which
          op = history.note(log, "either", value, function()
            local result, why
            which, result, why = rt.select(
              ch:send_op(value), ch:recv_op(), rt.sleep_op(patience)
            )
            return result, why
          end)
          op[1] = which == 1 and "send" or "recv"
          op.why = which == 3 and "timeout" or op.why
        end
        if op and op.why == "timeout" then log[#log] = nil end -- nothing has happened
      end
      rounds(400, function(round) return rt.channel(round % 4) end, function(ch, log, i)
        for k = 1, 6 do
          step(ch, log, i * 10 + k)
          if math.random(4) == 1 then rt.yield() end
        end
      end, function(ops, round)
        local capacity = round % 4
        local told
        if capacity == 0 then
          told = history.linearizable(ops, rendezvous_story, "", nothing_left)
        else
          told = history.linearizable(ops, channel_story(capacity), "")
        end
        assert(told, "no story explains round " .. round)
      end)
    ]])
  end)

  it("G19 semaphores", function()
    kit.on_workers(program .. semaphore_story .. [[
      local function step(sem, log, held)
        local n = math.random(3)
        local what = held > 0 and math.random(4) or math.random(3)
        local op
        if what == 1 then
          op = history.note(log, "try", n, sem.try_acquire, sem, n)
        elseif what == 2 then
          op = history.note(log, "acquire", n, rt.timeout, math.random() * 0.001, sem.acquire, sem, n)
        elseif what == 3 then
          op = history.note(log, "acquire", n, function()
            local which = rt.select(sem:acquire_op(n), rt.sleep_op(math.random() * 0.001))
            return which == 1
          end)
        else
          n = math.random(held)
          history.note(log, "release", n, sem.release, sem, n)
          return held - n
        end
        return op.result and held + n or held
      end
      rounds(300, function() return rt.semaphore(3) end, function(sem, log)
        local held = 0
        for _ = 1, 6 do
          held = step(sem, log, held)
          if math.random(4) == 1 then rt.yield() end
        end
        if held > 0 then history.note(log, "release", held, sem.release, sem, held) end
      end, function(all, round)
        local ops = {}
        for _, op in ipairs(all) do
          for _, other in ipairs(all) do
            if op[1] == "try" and other[1] == "acquire" and other ~= op then
              op.excused = op.excused
                or other.called <= op.returned and other.returned >= op.called
            end
          end
          if op[1] ~= "acquire" or op.result then ops[#ops + 1] = op end
        end
        assert(history.linearizable(ops, semaphore_story, 3), "no story explains round " .. round)
      end)
    ]])
  end)

  it("… and the judge knows stories that are not", function()
    local channel = load(channel_story .. "return channel_story(1)")()
    local rendezvous, nothing_left =
      load(rendezvous_story .. "return rendezvous_story, nothing_left")()
    local semaphore = load(semaphore_story .. "return semaphore_story")()
    local function told(story, state, ops)
      for i, op in ipairs(ops) do
        op.called, op.returned = op.called or i, op.returned or i + 0.5
      end
      return history.linearizable(ops, story, state, story == rendezvous and nothing_left)
    end
    local function sent(v, from, to)
      return { "send", v, result = true, called = from, returned = to }
    end
    local function got(v, from, to)
      return { "recv", result = v, called = from, returned = to }
    end
    assert.is_true(told(channel, "", { sent(1), got(1), sent(2), got(2) }))
    assert.is_false(told(channel, "", { sent(1), sent(2), got(1), got(2) })) -- it holds but one
    assert.is_true(told(channel, "", { sent(1), sent(2, 2, 9), got(1, 3, 4), got(2, 5, 6) }))
    assert.is_false(told(channel, "", { sent(1), sent(2, 2, 9), got(2, 3, 4), got(1, 5, 6) }))
    assert.is_false(told(channel, "", { sent(1), got(1), got(1) })) -- doubled
    local empty = { "recv", why = "empty" }
    assert.is_false(told(channel, "", { sent(1), empty })) -- lost
    assert.is_false(told(channel, "", { { "close" }, sent(1) }))
    assert.is_true(told(rendezvous, "", { sent(1, 1, 4), got(1, 2, 3) }))
    assert.is_true(told(rendezvous, "", { got(1, 1, 3), sent(1, 2, 4), { "close" } }))
    assert.is_false(told(rendezvous, "", { sent(1, 1, 2), got(1, 3, 4) })) -- it held one
    assert.is_false(told(rendezvous, "", { got(1, 1, 2), sent(1, 3, 4) })) -- before it was sent
    assert.is_false(told(rendezvous, "", { sent(1, 1, 9), got(1, 2, 3), got(1, 4, 5) }))
    assert.is_false(told(rendezvous, "", { sent(1, 1, 9), empty })) -- lost
    assert.is_false(
      told(rendezvous, "", { { "close", called = 1, returned = 2 }, sent(1, 3, 5), got(1, 4, 6) })
    )
    assert.is_false( -- the second sender's was taken by nobody
      told(
        rendezvous,
        "",
        { sent(1, 1, 4), sent(2, 2, 5), got(1, 3, 6), { "recv", why = "empty" } }
      )
    )
    local function took(n, from, to)
      return { "acquire", n, result = true, called = from, returned = to }
    end
    assert.is_true(told(semaphore, 3, { took(2), took(1), { "release", 1 }, took(1) }))
    assert.is_false(told(semaphore, 3, { took(2), took(2) }))
    assert.is_true(told(semaphore, 3, { took(2), took(2, 2, 9), { "release", 1 } }))
    assert.is_false(told(semaphore, 3, { took(2), { "try", 1, result = false } }))
  end)
end)
