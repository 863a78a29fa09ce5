--- Uses up the file descriptors of a process, for programs that run under `ulimit -n`.
local descriptors = {}

--- Closes so many of the files; without a number, all.
function descriptors.free(files, n)
  for _ = 1, n or #files do
    table.remove(files):close()
  end
end

--- Opens files until so many descriptors are left (default: none). Returns a list of the files.
function descriptors.use_up(left)
  local files = {}
  while true do
    local file = io.open("/dev/null")
    if not file then
      break
    end
    files[#files + 1] = file
  end
  descriptors.free(files, left or 0)
  return files
end

return descriptors
