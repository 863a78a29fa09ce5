--- Random programs on channels of capacity 0 to 3; each history must have an explanation.
local history = require("history")
local rt = require("rt")
local stories = require("stories")
local SEED, SCALE = require("workers_prelude")()

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
      which, result, why = rt.select(ch:send_op(value), ch:recv_op(), rt.sleep_op(patience))
      return result, why
    end)
    op[1] = which == 1 and "send" or "recv"
    op.why = which == 3 and "timeout" or op.why
  end
  if op and op.why == "timeout" then
    log[#log] = nil
  end -- the operation has not happened
end

local function make(round)
  return rt.channel(round % 4)
end

local function task(ch, log, i)
  for k = 1, 6 do
    step(ch, log, i * 10 + k)
    if math.random(4) == 1 then
      rt.yield()
    end
  end
end

local function judge(ops, round)
  local capacity = round % 4
  local told
  if capacity == 0 then
    told = history.linearizable(ops, stories.rendezvous, "", stories.nothing_left)
  else
    told = history.linearizable(ops, stories.channel(capacity), "")
  end
  assert(told, "no story explains round " .. round)
end

stories.rounds(400 * SCALE, SEED, make, task, judge)
print("right")
