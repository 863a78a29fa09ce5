--- Ends each loop of support/close_shapes.lua by many timeouts, and counts how often what it took
--- was not given back. Arguments: where to run ("main", "local", "pool"), what to take ("lock",
--- "permit", "file"), and how many timeouts.
local rt = require("rt")
local ENOENT = 2
local where, what, count = arg[1], arg[2], tonumber(arg[3])

local function run()
  local shapes = require("close_shapes")
  collectgarbage("stop") -- what was left comes back when it is collected
  local take, is_left
  if what == "lock" then
    local mutex = rt.mutex()
    take = function()
      return mutex:try_lock()
    end
    is_left = function()
      return (pcall(mutex.unlock, mutex))
    end
  elseif what == "permit" then
    local semaphore = rt.semaphore(1)
    take = function()
      return semaphore:permit()
    end
    is_left = function()
      if semaphore:available() == 1 then
        return false
      end
      semaphore:release()
      return true
    end
  else
    local open = io.open
    take = function()
      return open("/dev/null")
    end
    local function descriptors()
      local n = 0
      for fd = 0, 255 do
        local f, _, code = open("/proc/self/fd/" .. fd)
        n = n + (code == ENOENT and 0 or 1)
        if f then
          f:close()
        end
      end
      return n
    end
    local before = descriptors()
    is_left = function(last)
      return last and descriptors() ~= before
    end
  end

  local timeouts, left = 0, {}
  local titles = {}
  for title in pairs(shapes) do
    titles[#titles + 1] = title
  end
  for _, title in ipairs(titles) do
    local of_shape = 0
    local each = count // #titles + 1
    for i = 1, each do
      local got, why = rt.timeout(0, shapes[title], take)
      assert(got == nil and why == "timeout", why)
      timeouts = timeouts + 1
      if is_left(i == each) then
        of_shape = of_shape + 1
      end
    end
    if of_shape > 0 then
      left[#left + 1] = ("%s: %d of %d"):format(title, of_shape, each)
    end
  end
  return timeouts, table.concat(left, "\n")
end

local start = {
  main = function(f)
    return f()
  end,
  ["local"] = function(f)
    return rt.spawn_local(f):join()
  end,
  pool = function(f)
    return rt.spawn(f):join()
  end,
}
local timeouts, left = start[where](run)
assert(timeouts >= count)
io.write(left)
