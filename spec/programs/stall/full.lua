--- A third job waits for one of two blocking threads, until it was reported (the file $TOLD exists).
local rt = require("rt")

rt.configure { blocking = 2 }
local jobs = {}
for i = 1, 3 do
  jobs[i] = rt.spawn_blocking(function()
    os.execute('until [ -e "$TOLD" ]; do sleep 0.05; done')
  end)
end
for i = 1, 3 do
  jobs[i]:join()
end
