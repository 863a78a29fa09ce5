--- Forks children while two threads of the pool take and give the locks of shared objects all the time, and the
--- collector's. Each child drops objects, as garbage, at the end of a block, or with its state. Then forks
--- children in jobs whose locks main takes, and each returns. FORK is the library of fork.c; the argument is
--- the number of children. Prints twice how many have ended as they should.
local rt = require("rt")
local fork = assert(package.loadlib(os.getenv("FORK"), "spec_fork"))
local wait = assert(package.loadlib(os.getenv("FORK"), "spec_wait"))

local CHILDREN = math.tointeger(arg[1])

rt.configure { workers = 2, stall = 60 }
local shared = {
  begun = rt.barrier(3),
  stop = rt.dict(),
  mutex = rt.mutex(),
  permits = rt.semaphore(1),
  queue = rt.channel(8),
}

local function cycle()
  local rt = require("rt")
  local a, b = rt.channel(2), rt.channel(2)
  a:send(b)
  b:send(a)
  return a
end

local function churn(shared)
  local rt = require("rt")
  shared.begun:wait()
  while not shared.stop:get("stop") do
    cycle()
    shared.mutex:try_with(function() end)
    tostring(shared.permits)
    shared.queue:try_send(1)
    shared.queue:try_recv()
    collectgarbage("step")
  end
end

local ways = {
  function(kept)
    kept.cycles, kept.permit = nil, nil
    collectgarbage()
    collectgarbage()
    os.exit(7)
  end,
  function(kept)
    local _, why = pcall(function()
      local guard <close> = kept.guard
      local permit <close> = kept.permit
      local queue <close> = shared.queue
      error("the block ends", 0)
    end)
    os.exit(why == "the block ends" and 7 or 8)
  end,
  function()
    os.exit(7, true)
  end,
}

-- (The end of a child sets back the files that the threads of the parent read, as a module that is being
-- loaded.)
local churning = { rt.spawn(churn, shared), rt.spawn(churn, shared) }
shared.begun:wait()
local well = 0
for i = 1, CHILDREN do
  local kept = { cycles = {}, permit = shared.permits:permit() }
  for n = 1, 10 do
    kept.cycles[n] = cycle()
  end
  kept.guard = shared.mutex:try_lock() or rt.mutex():lock()
  local pid = fork()
  if pid == 0 then
    ways[i % #ways + 1](kept)
  end
  well = well + (wait(pid) == 7 and 1 or 0)
  if well < i then
    break -- (each child that hangs takes a long time)
  end
  kept.permit:release()
  pcall(kept.guard.unlock, kept.guard)
end
print(well == CHILDREN and "all" or well)

-- Main takes the lock of a job while that ends in a child.
shared.stop:set("stop", true)
rt.join(table.unpack(churning))
local function end_in_child(library)
  local pid = assert(package.loadlib(library, "spec_fork"))()
  return pid > 0 and assert(package.loadlib(library, "spec_wait"))(pid)
end
well = 0
for i = 1, CHILDREN do
  local job = rt.spawn(end_in_child, os.getenv("FORK"))
  repeat
    local status = job:status()
  until status == "done"
  well = well + (job:join() == 1 and 1 or 0)
  if well < i then
    break
  end
end
print(well == CHILDREN and "all" or well)
