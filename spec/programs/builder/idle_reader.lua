--- Tasks of idle priority that wait for a socket, a channel and a timer, beside one that can run again
--- and again: prints the order in which they go on.
local rt = require("rt")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local client = assert(rt.tcp.connect("127.0.0.1", port))
local server = assert(listener:accept())
local channel = rt.channel(1)
local idle = rt.builder { priority = "idle" }
local order, tasks = {}, {}

local function add(name, f)
  tasks[#tasks + 1] = idle:spawn_local(function()
    f()
    order[#order + 1] = name
  end)
end

add("socket", function()
  client:read(1)
end)
add("channel", function()
  channel:recv()
end)
add("timer", function()
  rt.sleep(0.001)
end)
rt.sleep(0.05)
tasks[3]:join()
order[1] = nil
add("timer", function()
  rt.sleep(0.001)
end)
rt.sleep(0) -- all wait

tasks[#tasks + 1] = rt.spawn_local(function()
  server:write("x")
  channel:send("x")
  local till = rt.now() + 0.01 -- (well below 0.2 s, after which one of them has a slice all the same)
  repeat
    rt.yield()
  until rt.now() >= till
  order[#order + 1] = "normal"
end)
for _, task in ipairs(tasks) do
  task:join()
end
print(order[1], #order)
