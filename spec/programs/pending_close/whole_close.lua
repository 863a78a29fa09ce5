--- Timeouts in a loop whose <close> variables compute in their __close: how many of them ended one of
--- these in the middle? Arguments: what the __close is like, and how many timeouts.
local rt = require("rt")
local shape, count = arg[1], tonumber(arg[2])

local BEGUN, ENDED = "begun", "ended"
local state

local function work(rounds)
  state = BEGUN
  local n = 0
  for _ = 1, rounds do
    n = n + 1
  end
  state = ENDED
end

local function short()
  work(20)
end

local shapes = {
  short = short,
  --- All of the time is spent in it: none of the signals comes anywhere else.
  long = function()
    work(300000)
  end,
  tail = function()
    return work(2000)
  end,
  nested = function()
    for _ = 1, 10 do
      local _ <close> = setmetatable({}, { __close = short })
      state = BEGUN
    end
    work(20)
  end,
  failing = function()
    work(200)
    error("of a __close")
  end,
}

local metatable = { __close = shapes[shape] }

local function round()
  local _ <close> = setmetatable({}, metatable)
end

local function body()
  while true do
    local ok, err = pcall(round)
    if not ok and not tostring(err):find("of a __close") then
      error(err, 0)
    end
  end
end

local cut = 0
for _ = 1, count do
  state = ENDED
  rt.timeout(0, body)
  if state ~= ENDED then
    cut = cut + 1
  end
end
print(("%d timeouts, %d in the middle"):format(count, cut))
