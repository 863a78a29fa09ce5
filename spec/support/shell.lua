--- What the runner, the kit and the mutants need of the shell.
local shell = {}

--- Returns `s` as one word of a shell command.
function shell.quote(s)
  return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

--- Runs a command. Returns what it prints, without the white space at its end.
function shell.output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end

return shell
