--- Tasks of all priorities become ready on one worker: prints the order in which they begin, and then
--- the order in which they go on after a wait. Argument: "spawn" or "spawn_local".
local rt = require("rt")

rt.configure { workers = 1 }
local how = arg[1]

local function main()
  local order, go_on = rt.channel(100), rt.channel(0)
  local function task(name)
    order:send(name)
    go_on:recv() -- until it is closed
    order:send(name)
  end
  local tasks = {}
  for i = 1, 3 do
    for _, priority in ipairs { "idle", "normal", "high" } do
      local builder = rt.builder { priority = priority }
      tasks[#tasks + 1] = builder[how](builder, task, priority .. i)
    end
  end
  local function print_order()
    local list = {}
    for i = 1, 9 do
      list[i] = order:recv()
    end
    print(table.concat(list, " "))
  end
  print_order()
  rt.sleep(0.01) -- all wait
  go_on:close()
  print_order()
  for _, task in ipairs(tasks) do
    task:join()
  end
end

if how == "spawn" then
  rt.spawn(main):join()
else
  main()
end
