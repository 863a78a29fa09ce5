--- Tasks that wait first, and would compute after that: prints for each round how many of them each
--- worker has begun, "8 8". Arguments: workers; tasks; what they wait for, "sleep" or "socket"; who
--- spawns them, "main" or "task"; rounds.
local rt = require("rt")

local workers, n, how, who, rounds = table.unpack(arg)
workers, n, rounds = tonumber(workers), tonumber(n), tonumber(rounds)
rt.configure { workers = workers }

local listener = assert(rt.tcp.listen("127.0.0.1", 0, { backlog = n }))
local _, port = listener:sock()

--- Waits until `go` is closed, by a sleep, or by a byte of the server.
local function wait(begun, go)
  local stream
  if how == "socket" then
    stream = assert(rt.tcp.connect("127.0.0.1", port))
  end
  begun:send(true)
  if stream then
    stream:read(1)
    stream:close()
  else
    while go:try_recv() ~= nil or select(2, go:try_recv()) ~= "closed" do
      rt.sleep(0.01)
    end
  end
end

local function spawn_all(begun, go)
  local tasks = {}
  for i = 1, n do
    tasks[i] = rt.spawn(wait, begun, go)
  end
  return tasks
end

local function count()
  local of = {}
  for _, info in ipairs(rt.tasks()) do
    if info.worker and info.worker:find("^pool") and info.waiting ~= "join" then
      of[info.worker] = (of[info.worker] or 0) + 1
    end
  end
  local list = {}
  for i = 1, workers do
    list[i] = of["pool " .. i] or 0
  end
  return table.concat(list, " ")
end

local function round()
  local begun, go = rt.channel(n), rt.channel(1)
  local all = rt.spawn(function()
    local tasks = who == "task" and spawn_all(begun, go) or {}
    for _, task in ipairs(tasks) do
      task:join()
    end
  end)
  local own = who == "main" and spawn_all(begun, go) or {}
  local streams = {}
  for i = 1, how == "socket" and n or 0 do
    streams[i] = assert(listener:accept())
  end
  for _ = 1, n do
    begun:recv()
  end
  print(count())
  go:close()
  for _, stream in ipairs(streams) do
    stream:write("x")
    stream:close()
  end
  for _, task in ipairs(own) do
    task:join()
  end
  all:join()
end

for _ = 1, rounds do
  round()
end
