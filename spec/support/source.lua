--- Finds the files of the source, and reads C without its comments: for the specs that check text.
local source = {}

--- Returns the paths that `find` prints for these arguments in the folder `root`, sorted. Raises if
--- there are none, since a check of no files would pass.
function source.find(root, arguments)
  local paths = {}
  for path in io.popen(("cd '%s' && find %s | sort"):format(root, arguments)):lines() do
    paths[#paths + 1] = path
  end
  assert(#paths > 0, "find prints no files")
  return paths
end

--- Returns the sorted paths of the C files below a folder, or several.
function source.c_files(folders)
  return source.find(".", folders .. " -name '*.[ch]'")
end

--- Returns C with blanks in place of its comments, so that the lines keep their numbers.
function source.without_comments(text)
  return (text:gsub("/%*.-%*/", function(comment)
    return (comment:gsub("[^\n]", " "))
  end))
end

return source
