--- A million items of an iterator: the resident size stays what it was after the first ones.
local rt = require("rt")

local TOTAL = (os.getenv("RT_FLAVOR") or "") == "" and 1000000 or 20000

local function resident()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then
      return tonumber(kilobytes)
    end
  end
end

local function run(n)
  local i = 0
  rt.each(4, function()
    i = i + 1
    return i <= n and ("%08d"):format(i):rep(100) or nil
  end, function(text)
    return text
  end)
end

run(TOTAL // 20)
collectgarbage()
local before = resident()
run(TOTAL)
collectgarbage()
local grown = resident() - before
print(grown < 20000 and "right" or grown .. " kB more")
