--- Histories of operations of concurrent tasks on one object, and a check that they are
--- linearizable.
local history = {}

--- Calls f(...) and records its results, and the times of the call and of the return.
function history.note(log, name, argument, f, ...)
  local op = { name, argument, called = history.now() }
  op.result, op.why = f(...)
  op.returned = history.now()
  log[#log + 1] = op
  return op
end

function history.now()
  return require("rt").now()
end

--- Returns whether there is an order of these operations in which each happens between its call and
--- its return, and which gives the results that were recorded (the algorithm of Wing and Gong).
--- `apply(op, value)` returns whether the operation can happen in the state `value`, and the new
--- state, which is a scalar. `last`, if given, returns whether the history may end in that state.
function history.linearizable(ops, apply, value, last)
  table.sort(ops, function(a, b)
    return a.called < b.called
  end)
  local done, seen = {}, {}
  local function search(left, now)
    if left == 0 then
      return not last or last(now)
    end
    local bits = {}
    for i = 1, #ops do
      bits[i] = done[i] and "1" or "0"
    end
    local state = table.concat(bits) .. tostring(now)
    if seen[state] then
      return false
    end
    seen[state] = true
    local first = math.huge -- the next operation must have been called before this time
    for i, op in ipairs(ops) do
      if not done[i] and op.returned < first then
        first = op.returned
      end
    end
    for i, op in ipairs(ops) do
      if not done[i] and op.called <= first then
        local possible, after = apply(op, now)
        if possible then
          done[i] = true
          if search(left - 1, after) then
            return true
          end
          done[i] = nil
        end
      end
    end
    return false
  end
  return search(#ops, value)
end

return history
