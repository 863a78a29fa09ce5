--- Histories of what concurrent tasks did to one object, and whether they can be explained.
local history = {}

--- Notes what f(...) returns, and when it was called and has returned.
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

--- Is there an order of these operations in which each happens between its call and its return, and
--- which explains what each returned? A search by Wing and Gong. `apply(op, value)` says what an
--- operation returns and leaves behind, or returns nothing if it cannot happen there; values are
--- scalars. `last`, if given, says whether it may end with that value.
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
    local first = math.huge -- whatever is next must have been called before this
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
