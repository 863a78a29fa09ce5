--- Code in which a value with __close is about to be returned, or to be marked, at nearly every
--- instruction, and that does not end by itself. A timeout ends it all the same.
local rt = require("rt")
local guard = setmetatable({}, { __close = function() end })

local function returned_by_each_call(value, n)
  if n > 0 then
    returned_by_each_call(value, n - 1)
    returned_by_each_call(value, n - 1)
  end
  return value
end

local function marked_at_the_end(value, n)
  if n > 0 then
    marked_at_the_end(value, n - 1)
    marked_at_the_end(value, n - 1)
  end
  local last <close> = value
  return last
end

local function in_a_loop(value)
  local i = 0
  repeat
    i = i + 1
  until i < 0
  return value
end

print(select(2, rt.timeout(0.01, returned_by_each_call, guard, 100)))
print(select(2, rt.timeout(0.01, marked_at_the_end, guard, 100)))
print(select(2, rt.timeout(0.01, in_a_loop, guard)))
