-- A supervisor: children that fail are started again, after a pause that doubles. If one fails too
-- often in a row, the others are cancelled, too.
-- Run: build/lua5.4/rt-lua examples/supervisor.lua
local rt = require("rt")

local FIRST_PAUSE, LONGEST_PAUSE = 0.01, 1 -- seconds
local CALM = 10 -- seconds after which a child that runs counts as recovered
local MOST_FAILURES = 4 -- in a row

--- Runs f in a task of its own until it returns. A cancel of the caller cancels that task, too.
local function keep_alive(name, f, ...)
  local args, failures = { ... }, 0
  while true do
    local started = rt.now()
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn(f, table.unpack(args)).name = name
    end)
    if ok then
      return print(name .. " has done its work")
    elseif getmetatable(err) == rt.Cancelled then
      error(err, 0)
    end
    failures = rt.now() - started > CALM and 1 or failures + 1
    print(("%s failed, %d in a row: %s"):format(name, failures, tostring(err):match("[^: ][^:]*$")))
    if failures == MOST_FAILURES then
      error(name .. " does not recover", 0)
    end
    rt.sleep(math.min(FIRST_PAUSE * 2 ^ (failures - 1), LONGEST_PAUSE))
  end
end

--- Supervises all children. Raises if one has failed too often, after the others have cleaned up.
local function supervise(children)
  rt.scope(function(scope)
    for _, child in ipairs(children) do
      scope:spawn_local(keep_alive, table.unpack(child))
    end
  end)
end

-- The children share a dict, which stays when a child fails, and a channel whose close is a signal.
local board, recovered = rt.dict(), rt.channel()

local function flaky()
  if board:incr("starts") < 3 then
    error("the disk is full")
  end
  recovered:close()
end

local function endless()
  local guard <close> = setmetatable({}, {
    __close = function()
      board:set("endless", "has cleaned up")
    end,
  })
  rt.sleep(math.huge)
  return guard
end

local function hopeless()
  recovered:recv()
  error("no such host")
end

local ok, why = pcall(supervise, {
  { "flaky", flaky },
  { "endless", endless },
  { "hopeless", hopeless },
})
print("endless", board:get("endless"))
print(ok, why)

-- expect: flaky failed, 1 in a row: the disk is full
-- expect: flaky failed, 2 in a row: the disk is full
-- expect~: .+
-- expect~: .+
-- expect: hopeless failed, 2 in a row: no such host
-- expect: hopeless failed, 3 in a row: no such host
-- expect: hopeless failed, 4 in a row: no such host
-- expect: endless	has cleaned up
-- expect: false	hopeless does not recover
