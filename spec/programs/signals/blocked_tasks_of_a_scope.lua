--- The main chunk waits in a scope for tasks that are blocked in system calls: one is to be
--- interrupted; one reads inside of rt.shield; one is to be interrupted, and reads when it cleans
--- up. A task that main joins when the scope has ended reads, too. Each task prints what it has read.
--- (The commands ignore the signal, which their process group may get.)
local rt = require("rt")
rt.configure { workers = 4, stall = false }
local begun = rt.channel(4)

--- Reads what a command writes after some time.
local function read(seconds, begins)
  local f = assert(io.popen(("trap '' TERM; sleep %g; echo read"):format(seconds)))
  if begins then
    begun:send(true)
  end
  local line = f:read("l")
  f:close()
  return line
end

local function is_interrupted()
  local _ <close> = setmetatable({}, {
    __close = function()
      print("interrupted: cleaned up")
    end,
  })
  begun:send(true)
  os.execute("trap '' TERM; exec sleep 3 >/dev/null 2>&1")
  print("interrupted: goes on")
end

local function is_shielded()
  rt.shield(function()
    print("shielded: " .. tostring(read(0.8, true)))
  end)
end

local function cleans_up()
  local _ <close> = setmetatable({}, {
    __close = function()
      print("cleanup: " .. tostring(rt.shield(read, 0.5)))
    end,
  })
  local _ <close> = setmetatable({}, {
    __close = function()
      print(
        "cleanup without a shield: "
          .. tostring(io.popen("trap '' TERM; sleep 0.5; echo read"):read("l"))
      )
    end,
  })
  begun:send(true)
  os.execute("trap '' TERM; exec sleep 3 >/dev/null 2>&1")
end

local function is_not_cancelled()
  print("not cancelled: " .. tostring(read(1.2, true)))
end

io.stdout:setvbuf("line")
local other = rt.spawn(is_not_cancelled)
local _ <close> = setmetatable({}, {
  __close = function()
    rt.shield(other.join, other)
  end,
})

rt.scope(function(scope)
  scope:spawn(is_interrupted)
  scope:spawn(is_shielded)
  scope:spawn(cleans_up)
  for _ = 1, 4 do
    begun:recv()
  end
  print("ready")
end)
