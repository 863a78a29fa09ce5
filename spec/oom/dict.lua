--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Dicts: every kind of value, every operation; an operation that failed has changed nothing.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local LONG = ("long "):rep(20)

local d = rt.dict()
right(d:set("k", 1) and d:get("k") == 1, "an integer")
right(d:set(LONG, LONG) and d:get(LONG) == LONG, "a long string")
right(d:set(2.5, { 1, { LONG } }) and d:get(2.5)[2][1] == LONG, "a table")

local function keeps(what, key, f, ...)
  local before = d:get(key)
  local ok, err = pcall(f, d, key, ...)
  if not ok then
    local after = d:get(key)
    right(type(before) == "table" and #after == #before or after == before, what)
    error(err, 0)
  end
end

keeps("set", "k", d.set, { LONG })
keeps("set with an expiry", "k", d.set, LONG, 1000)
keeps("cas", "k", d.cas, LONG, { 1, 2, 3 })
keeps("cas of a table", "k", d.cas, { 1, 2, 3 }, { LONG, 2 })
right(#d:get("k") == 2 and d:ttl("k") > 900, "after cas")
keeps("update", "k", d.update, function(old, x)
  old[#old + 1] = x
  return old
end, LONG)
right(d:get("k")[3] == LONG, "after update")
for i = 1, 50 do
  keeps("incr", i, d.incr, i)
  keeps("expire", i, d.expire, 1000)
end
right(#d == 53 and #d:keys() == 53 and #d:keys(5) == 5, "keys")
for i = 1, 50 do
  right(d:get(i) == i and d:delete(i), "a number of many")
end
right(tostring(d) == "rt.dict (3 entries)", "its name")

local small = rt.dict { max_entries = 3, when_full = "evict" }
for i = 1, 10 do
  small:set(i, LONG .. i)
end
right(#small == 3 and small:get(10) == LONG .. 10, "eviction")
small:set("d", { d })
right(small:get("d")[1] == d, "a dict in a dict")
d:clear()
right(#d == 0 and select(2, d:count()) == 0, "clear")
return true
