--- The processes of other processes: the children, what these have started, and all members of their
--- process groups. `timeout` makes a group of its own, and so does each kit.shell: a Ctrl-C does not
--- reach them.
local processes = {}

--- Returns the ids, as strings, of these processes (a list of ids) and of all that they have started.
function processes.started_by(leaders)
  local groups, found, ids = {}, {}, {}
  for _, pid in ipairs(leaders) do
    groups[pid] = true
  end
  local pipe = assert(io.popen("ps -A -o pid= -o ppid= -o pgid= 2>/dev/null"))
  local all = pipe:read("a")
  pipe:close()
  local again = true
  while again do
    again = false
    for pid, parent, group in all:gmatch("(%d+) +(%d+) +(%d+)") do
      pid, parent, group = tonumber(pid), tonumber(parent), tonumber(group)
      if not found[pid] and (groups[group] or found[parent]) then
        found[pid], groups[group], again = true, true, true
        ids[#ids + 1] = ("%d"):format(pid)
      end
    end
  end
  return ids
end

--- Ends them at once.
function processes.kill(leaders)
  local ids = processes.started_by(leaders)
  if #ids > 0 then
    os.execute("kill -KILL " .. table.concat(ids, " ") .. " 2>/dev/null")
  end
end

return processes
