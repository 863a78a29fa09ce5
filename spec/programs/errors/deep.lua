--- Fails in the third of three functions.
local function third(x)
  error("deep " .. x)
end
local function second(x)
  third(x)
  return 1
end
function first(x)
  second(x)
  return 1
end
first(1)
