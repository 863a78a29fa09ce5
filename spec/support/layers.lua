--- Checks that dependencies point down: the floors are those of src/README.md.
-- A file includes its own floor, without circles, or lower ones; lib_ files never each other.
-- And that the map there names all of them.
local floors = {
  [0] = "base list astir count baton trace buf arena mailbox thing packet value hash heap marks code bytecode cores recipe pulse label spill",
  [1] = "timer task ready driver crew lookup sock tcp dial frame ticket group office job runq sched linger chan stock shard dict tick mutex semaphore notify barrier feed roll survey tell monitor",
  [2] = "compat height keep class known desk names nursery coros site worker lack cause named cancel outcome body unhandled turn wait runtime unwind deadlock shutdown work spawn state interrupt wire way sent pack unpack entry preempt account dump",
  [3] = "lib stream select shared lib_task lib_time lib_frame lib_error lib_tcp lib_stream lib_listener lib_read lib_move lib_coroutine lib_os lib_print lib_spawn lib_runtime lib_job lib_group lib_select lib_channel lib_dict lib_mutex lib_semaphore lib_notify lib_barrier lib_once lib_watch lib_broadcast lib_dump",
  [4] = "core pool module options repl require main",
}

local floor_of = {}
for floor, rooms in pairs(floors) do
  for room in rooms:gmatch("%S+") do
    floor_of[room] = floor
  end
end

local complaints = {}
local function complain(...)
  complaints[#complaints + 1] = string.format(...)
end

--- The rooms that each room includes, by its .h or its .c.
local uses = {}
for path in io.popen("ls src/*.[ch]"):lines() do
  local room = path:match("src/(.*)%.[ch]$")
  if not floor_of[room] then
    complain("%s stands on no floor: add it to %s", path, arg[0])
  else
    uses[room] = uses[room] or {}
    for line in io.lines(path) do
      local other = line:match('^#include "(.*)%.h"')
      if other and other ~= room then
        if not floor_of[other] then
          complain("%s includes %s.h, which stands on no floor", path, other)
        elseif floor_of[other] > floor_of[room] then
          complain(
            "%s (floor %d) includes %s.h (floor %d)",
            path,
            floor_of[room],
            other,
            floor_of[other]
          )
        elseif room:match("^lib_") and other:match("^lib_") then
          complain("%s includes %s.h: lib_ files do not know each other", path, other)
        end
        uses[room][other] = true
      end
    end
  end
end

--- Circles, within a floor or across.
local state = {}
local function visit(room, path)
  if state[room] == "done" then
    return
  end
  if state[room] == "open" then
    complain("circle: %s -> %s", table.concat(path, " -> "), room)
    return
  end
  state[room] = "open"
  path[#path + 1] = room
  for other in pairs(uses[room] or {}) do
    visit(other, path)
  end
  path[#path] = nil
  state[room] = "done"
end
for room in pairs(uses) do
  visit(room, {})
end

for room, floor in pairs(floor_of) do
  if not uses[room] then
    complain("floor %d names %s, which is not there", floor, room)
  end
end

--- The map names every room, on its floor.
local mapped, on = {}, nil
for line in io.lines("src/README.md") do
  local floor, rooms, text = line:match("^| (.-) ?| (`.-) | (.*) |$")
  if floor then
    on = tonumber(floor:match("^%d")) or on
    for room in (rooms .. text):gmatch("`([%w_]+)`") do
      mapped[room] = mapped[room] or on
    end
  end
end
for room, floor in pairs(floor_of) do
  if mapped[room] ~= floor then
    complain("src/README.md: %s stands on floor %d, and is not named there", room, floor)
  end
end

if #complaints > 0 then
  table.sort(complaints)
  io.stderr:write(table.concat(complaints, "\n"), "\n")
  os.exit(1)
end
print("layers: every include points down")
