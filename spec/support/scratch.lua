--- Makes a folder for temporary files, and returns its path. The specs write that path into shell
--- commands without quotes: if the path in TMPDIR has a blank or another special character, the
--- folder is in /tmp.
return function()
  local pipe = assert(io.popen([[
    case ${TMPDIR:-/tmp} in *[!A-Za-z0-9/._-]*) TMPDIR=/tmp ;; esac
    export TMPDIR; mktemp -d]]))
  local path = pipe:read("l")
  pipe:close()
  return (assert(path, "mktemp -d fails"))
end
