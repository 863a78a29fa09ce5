--- Many tasks of one turn each spawn two of high priority, which spawn another one each; some of these
--- overtake the rest of the turn. Prints "right" if they begin in the order in which they were spawned,
--- each with its own argument.
local rt = require("rt")

local high = rt.builder { priority = "high" }
local spawned, begun, tasks = 0, 0, {}
local handles = {}

local function spawn(f)
  spawned = spawned + 1
  handles[spawned] = high:spawn_local(f, spawned)
  tasks[#tasks + 1] = handles[spawned]
end

local function second(number)
  begun = begun + 1
  assert(number == begun and handles[number]:status() == "running", number)
end

local function first(number)
  second(number)
  spawn(second)
end

for _ = 1, 500 do
  tasks[#tasks + 1] = rt.spawn_local(function()
    spawn(first)
    spawn(first)
  end)
end
local n = 1
while tasks[n] do
  tasks[n]:join()
  n = n + 1
end
assert(begun == 2000)
print("right")
