-- A map that two servers share behind a lock: one port takes lines to store, the other one serves
-- statistics. The connections are pool tasks, on all cores; the map is in none of their states.
-- Run:  build/lua5.4/rt-lua examples/shared_map.lua [port [port]]    (7016 7017; 0: any free)
-- Then: printf 'pears 3\nplums 5\npears 4\n' | nc -N 127.0.0.1 7016; nc 127.0.0.1 7017 </dev/null
local rt = require("rt")

local stock = rt.mutex { lines = 0, items = {} }

local function store(stream)
  for line in stream:lines() do
    local name, n = line:match("^(%w+) (%d+)$")
    if name then
      -- the function gets a copy of the value; what it leaves there is the new value
      stock:with(function(all)
        all.lines = all.lines + 1
        all.items[name] = (all.items[name] or 0) + math.tointeger(n)
      end)
      stream:write("stored\n")
    else
      stream:write("expected: NAME NUMBER\n")
    end
  end
end

local function show(stream)
  local all
  do
    local guard <close> = stock:lock() -- locked only as long as the copy takes
    all = guard:get()
  end
  local names = {}
  for name in pairs(all.items) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    stream:write(name, " ", all.items[name], "\n")
  end
  stream:write(all.lines, " lines\n")
end

local storing = assert(rt.tcp.serve("127.0.0.1", tonumber(arg[1] or 7016), store))
local showing = assert(rt.tcp.serve("127.0.0.1", tonumber(arg[2] or 7017), show))
local _, port = storing:address()
print("storing on 127.0.0.1:" .. port)
_, port = showing:address()
print("showing on 127.0.0.1:" .. port)
io.stdout:flush()
storing:join()
showing:join()

-- expect~: storing on 127%.0%.0%.1:%d+
-- expect~: showing on 127%.0%.0%.1:%d+
