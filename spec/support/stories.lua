--- Sequential models of a channel and a semaphore, for history.linearizable: each is a function of
-- an operation and a state that returns whether the operation can happen there, and the state after
-- it.
local history = require("history")
local rt = require("rt")

local stories = {}

--- Runs at least three rounds of four tasks, each round on a new object: `make(round)` makes it,
--- `task(object, log, i)` is what each task does and records, `judge(operations, round)` raises if
--- the history is not linearizable.
function stories.rounds(n, seed, make, task, judge)
  for round = 1, math.max(3, n // 1) do
    local object, barrier, tasks, all = make(round), rt.barrier(4), {}, {}
    for i = 1, 4 do
      tasks[i] = (i == 4 and rt.spawn_local or rt.spawn)(function()
        math.randomseed(seed, round * 8 + i)
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
end

--- A channel; its state is a string: the buffered values, and "!" when it is closed.
function stories.channel(capacity)
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

--- A channel of capacity 0: a value that was sent is received by the next operation, which was
--- called before the send returned. So the state is empty, or the value that was sent last and the
--- time when that send returned. (Whether an attempt that did not wait could have met another task
--- is not checked.)
function stories.rendezvous(op, state)
  local value, till = state:match("^(%d+) (%S+)$")
  local closed = state == "!"
  if value then
    return op.result and op[1] == "recv" and tostring(op.result) == value and op.called <= tonumber(
      till
    ),
      ""
  elseif op[1] == "close" then
    return true, "!"
  elseif op.result then
    return op[1] == "send" and not closed, ("%d %.17g"):format(op[2] or 0, op.returned)
  elseif op.why == "closed" then
    return closed, state
  end
  return not closed and op.why == (op[1] == "send" and "full" or "empty"), state
end

--- Returns whether a history of a rendezvous may end in this state: all values have been received.
function stories.nothing_left(state)
  return not state:find(" ")
end

--- A semaphore; its state is the number of permits. An attempt that does not wait may fail though
--- permits are free, if another task waits for more.
function stories.semaphore(op, permits)
  local what, n = op[1], op[2]
  if what == "release" then
    return true, permits + n
  elseif op.result then
    return permits >= n, permits - n
  end
  return permits < n or op.excused, permits
end

return stories
