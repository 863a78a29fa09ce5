--- Objects with finalizers hold guards, and are forgotten.
local rt = require("rt")

local function collect()
  collectgarbage()
  collectgarbage()
end

-- The finalizer unlocks: the lock is its own to give back, in whatever order finalizers are called.
local unlocked, errors = 0, {}
local function own(m)
  return setmetatable({ guard = m:lock() }, {
    __gc = function(object)
      local ok, err = pcall(object.guard.unlock, object.guard)
      unlocked = unlocked + (ok and 1 or 0)
      errors[#errors + 1] = not ok and err or nil
    end,
  })
end
local mutexes, owners = {}, {}
for i = 1, 20 do
  mutexes[i] = rt.mutex()
  owners[i] = own(mutexes[i])
  if i % 2 == 0 then
    collectgarbage() -- the owner lives through a collection
  end
end
assert(#owners == 20)
owners = nil
collect()
local free = 0
for _, m in ipairs(mutexes) do
  free = free + (m:try_lock() and 1 or 0)
end
print(unlocked .. " " .. free)
print(tostring(errors[1]) .. " " .. #mutexes + 30)
mutexes = nil
collect()

-- A finalizer keeps a guard, and it is used when the lock was given back: the slot is another guard's.
local kept
local first = rt.mutex()
do
  local _ = setmetatable({ guard = first:lock() }, {
    __gc = function(object)
      kept = object.guard
    end,
  })
end
collect()
collect()
local held, guards = {}, {}
for i = 1, 100 do
  held[i] = rt.mutex()
  guards[i] = held[i]:lock()
end
pcall(kept.unlock, kept)
pcall(kept.unlock, kept)
for i = 1, 100 do
  held[100 + i] = rt.mutex()
  guards[100 + i] = held[100 + i]:lock()
end
for i = 1, 200, 2 do
  guards[i] = nil
end
collect()
for i = 1, 200 do
  assert(
    tostring(held[i])
      == (guards[i] and "rt.mutex (locked by main, 0 waiting)" or "rt.mutex (unlocked)"),
    i
  )
end
held, guards = nil, nil
collect()

-- Finalizers lock mutexes, and keep them, while others are locked: each guard has a slot of its own.
collectgarbage("setpause", 100)
collectgarbage("setstepmul", 1000)
local by_finalizer, by_main = {}, {}
local function lock_when_collected()
  setmetatable({}, {
    __gc = function()
      for _ = 1, 3 do
        local m = rt.mutex()
        by_finalizer[m] = m:lock()
      end
      if #by_main < 3000 then
        lock_when_collected()
      end
    end,
  })
end
for _ = 1, 10 do
  lock_when_collected()
end
local locked = {}
for i = 1, 3000 do
  locked[i] = rt.mutex()
  by_main[i] = locked[i]:lock()
end
collect()
local count = 0
for m, guard in pairs(by_finalizer) do
  count = count + 1
  assert(tostring(guard) == "rt.guard (locked)")
  guard:unlock()
  assert(tostring(m) == "rt.mutex (unlocked)")
end
assert(count > 100, count)
for i, guard in ipairs(by_main) do
  assert(tostring(guard) == "rt.guard (locked)")
  guard:unlock()
  assert(tostring(locked[i]) == "rt.mutex (unlocked)", i)
end
print("right")
