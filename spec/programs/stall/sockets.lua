--- A server in a state without a pool: of five tasks that one poll resumes, one blocks, again and again.
local rt = require("rt")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local clients = {}
for i = 1, 5 do
  clients[i] = assert(rt.tcp.connect("127.0.0.1", port))
  local stream = assert(listener:accept())
  local name = "server " .. i
  rt.spawn_local(function()
    for text in stream:lines() do
      if text == "block" then
        os.execute("sleep 0.4")
      end
      stream:write(text, "\n")
    end
  end).name =
    name
end
rt.sleep(0.01)
for _ = 1, 3 do
  for i = 1, 5 do
    clients[i]:write(i == 2 and "block\n" or "go on\n")
  end
  for i = 1, 5 do
    assert(clients[i]:read("l"))
  end
end
os.exit(0, true)
