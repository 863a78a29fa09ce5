--- The ways in which a value gets from the function that returns it to a <close> variable, by title:
--- loops that take something and give it back for ever. `take` returns what is to be closed, or
--- nil and a message.
--
-- A loop that is ended anywhere must have given back what it took. (Each is written as a program
-- would write it: the instructions between the call and the mark are what differs.)

local function through_a_vararg_function(...)
  if not ... then
    error("nothing to take")
  end
  return ...
end

--- A function that returns something only at every second call.
local function sometimes(take)
  local n = 0
  return function()
    n = n + 1
    if n % 2 == 0 then
      return take()
    end
  end
end

return {
  ["a call"] = function(take)
    while true do
      local taken <close> = take()
    end
  end,
  ["a call in the middle of a list"] = function(take)
    while true do
      local a, taken <close>, b = 1, take(), math.abs(-1)
    end
  end,
  ["assert with a message"] = function(take)
    while true do
      local taken <close> = assert(take(), "nothing to take")
    end
  end,
  ["and, or"] = function(take)
    while true do
      local taken <close> = take and take() or nil
    end
  end,
  ["a variable that is tested first"] = function(take)
    while true do
      local got, why = take()
      if not got then
        return nil, why
      end
      local taken <close> = got
    end
  end,
  ["a function that returns the call"] = function(take)
    local function f()
      return take()
    end
    while true do
      local taken <close> = f()
    end
  end,
  ["a function that returns what it has tested"] = function(take)
    local function f(name)
      local got, why = take()
      if got == nil then
        error(name .. ": " .. why)
      end
      return got, name
    end
    while true do
      local taken <close> = f("f")
    end
  end,
  ["a function that gets it as an argument"] = function(take)
    local function f(got, why)
      if not got then
        error(why)
      end
      return got
    end
    while true do
      local taken <close> = f(take())
    end
  end,
  ["a function that gets it as ..."] = function(take)
    while true do
      local taken <close> = through_a_vararg_function(take())
    end
  end,
  ["pcall"] = function(take)
    while true do
      local ok, got = pcall(take)
      if not ok then
        error(got, 0)
      end
      local taken <close> = got
    end
  end,
  ["the last value of a loop"] = function(take)
    while true do
      for _ in next, {}, nil, take() do
      end
    end
  end,
  ["a metamethod"] = function(take)
    local object = setmetatable({}, {
      __index = function()
        return take()
      end,
    })
    while true do
      local taken <close> = object.field
    end
  end,
  ["a coroutine that yields it"] = function(take)
    local next_one = coroutine.wrap(function()
      while true do
        coroutine.yield(take())
      end
    end)
    while true do
      local taken <close> = next_one()
    end
  end,
  ["an object that closes it"] = function(take)
    local metatable = {
      __close = function(object)
        local _ <close> = object.taken
      end,
    }
    local function open()
      local got = take()
      return setmetatable({ taken = got }, metatable)
    end
    while true do
      local object <close> = open()
    end
  end,
  ["a table"] = function(take)
    while true do
      local list = { take() }
      local taken <close> = list[1]
    end
  end,
  ["table.unpack"] = function(take)
    while true do
      local taken <close> = table.unpack { take() }
    end
  end,
  ["table.pack of pcall"] = function(take)
    while true do
      local results = table.pack(pcall(take))
      if not results[1] then
        error(results[2], 0)
      end
      local taken <close> = results[2]
    end
  end,
  ["in a coroutine"] = function(take)
    coroutine.wrap(function()
      while true do
        local taken <close> = take()
      end
    end)()
  end,
  ["repeat until it is there"] = function(take)
    local try = sometimes(take)
    while true do
      local got
      repeat
        got = try()
      until got
      local taken <close> = got
    end
  end,
  ["repeat until it is there, or too often"] = function(take)
    local try, n = sometimes(take), 0
    while true do
      local got
      repeat
        n, got = n + 1, try()
      until n == math.huge or got ~= nil
      local taken <close> = got
    end
  end,
  ["while it is not there"] = function(take)
    local try = sometimes(take)
    while true do
      local got = try()
      while not got do
        got = try()
      end
      local taken <close> = got
    end
  end,
  ["while it is nil, and not too often"] = function(take)
    local try, limit, n = sometimes(take), { often = math.huge }, 0
    while true do
      local got
      while n < limit.often and got == nil do
        n, got = n + 1, try()
      end
      local taken <close> = got
    end
  end,
  ["for so many times, or until it is there"] = function(take)
    local try = sometimes(take)
    while true do
      local got
      for _ = 1, 10 do
        got = try()
        if got then
          break
        end
      end
      local taken <close> = got
    end
  end,
  ["in a recursion"] = function(take)
    local function f(n)
      local taken <close> = take()
      if n > 1 then
        f(n - 1)
      end
      return n
    end
    while true do
      f(1)
    end
  end,
}
