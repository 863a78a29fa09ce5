--- C functions that wait in the main chunk, and then one in a task of the main state, until the file $TOLD
--- is there; then waits for $SEEN.
local rt = require("rt")

rt.configure { stall = 0.1 }
rt.spawn(function() end):join()
os.execute("sleep 0.4")
rt.spawn_local(function() end):join()
os.execute("sleep 0.4")
io.stderr:write("main was quiet\n")
rt.spawn_local(function()
  os.execute('until [ -e "$TOLD" ]; do sleep 0.02; done')
end):join()
while not io.open(os.getenv("SEEN")) do
  rt.sleep(0.02)
end
