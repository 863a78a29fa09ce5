--- A C function that waits until the file $TOLD is there, in a task of the pool; then waits for $SEEN.
local rt = require("rt")

local t = rt.spawn(function()
  os.execute('until [ -e "$TOLD" ]; do sleep 0.02; done')
end)
t.name = "sleepwalker"
t:join()
while not io.open(os.getenv("SEEN")) do
  rt.sleep(0.02)
end
