-- A supervisor: children that fail are started again, after a pause that doubles. If one fails too
-- often, the others are cancelled, too.
-- Run: build/lua5.4/rt-lua examples/supervisor.lua
local rt = require("rt")

local FIRST_PAUSE, MOST_FAILURES = 0.01, 4

--- Runs f on the pool until it returns. A cancel of the caller cancels that task, too.
local function keep_alive(name, f, ...)
  local function failed(err, n)
    print(("%s failed, %d times: %s"):format(name, n, tostring(err):match("[^: ][^:]*$")))
    return true
  end
  rt.retry({ tries = MOST_FAILURES, backoff = FIRST_PAUSE, when = failed }, rt.call, f, ...)
  print(name .. " has done its work")
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

-- expect: flaky failed, 1 times: the disk is full
-- expect: flaky failed, 2 times: the disk is full
-- expect~: .+
-- expect~: .+
-- expect~: .+
-- expect: hopeless failed, 3 times: no such host
-- expect: endless	has cleaned up
-- expect~: false	.*no such host
