-- Tasks of each kind fail while their handles are kept. Their errors are told while the program runs, once,
-- and a join raises them all the same.
local rt = require("rt")
local told = rt.channel(64)
rt.configure { unjoined = 0.05, workers = 2 }
rt.on_unhandled(function(err, _, trace)
  told:send(err, trace)
end)

local function fail(text)
  error(text, 0)
end

local kept = {
  rt.spawn_local(fail, "local"),
  rt.spawn(fail, "pool"),
  rt.spawn_blocking(fail, "blocking"),
  rt.builder({ priority = "idle" }):spawn_local(fail, "idle"),
}
local list = {}
for i = 1, #kept do
  list[i] = told:recv()
end
table.sort(list)
print(table.concat(list, " "))
for _, task in ipairs(kept) do
  for _ = 1, 2 do
    print(pcall(task.join, task))
  end
end

-- One that fails later has a time of its own.
local began = rt.now()
kept[#kept + 1] = rt.spawn_local(fail, "again")
local again = told:recv()
print(again, rt.now() - began >= 0.05)
print("end")
