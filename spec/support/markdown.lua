--- The Lua programs in a Markdown file, and what they print according to their comments.
local markdown = {}

--- Returns the code blocks that begin with ```lua: a list of { line = number, text = program }.
function markdown.programs(path)
  local list, program, n = {}, nil, 0
  for line in io.lines(path) do
    n = n + 1
    if line == "```lua" then
      program = { line = n + 1 }
    elseif line == "```" and program then
      program.text = table.concat(program, "\n") .. "\n"
      list[#list + 1] = program
      program = nil
    elseif program then
      program[#program + 1] = line
    end
  end
  return list
end

--- Returns the lines that a program prints according to the comment behind each `print(…)` (behind
--- the last line of a call of several lines), and the number of calls of print, which is not
--- smaller than the number of these comments. The comment of a print in a loop has a part for each
--- round: "1 1; 2 4".
function markdown.promised(text)
  local lines, comments, open = {}, 0, false
  for line in text:gmatch("[^\n]+") do
    open = open or line:find("print(", 1, true) ~= nil
    local comment = open and line:match("%)%)? %-%- (.+)$")
    if comment then
      for printed in (comment .. "; "):gmatch("(.-); ") do
        lines[#lines + 1] = printed
      end
      comments = comments + 1
      open = false
    end
  end
  local _, prints = text:gsub("%f[%a]print%(", "")
  return lines, prints, comments
end

--- Returns the text of a program in which this build can preempt an endless loop. The thread
--- sanitizer delivers a signal only in calls that it intercepts, such as malloc.
function markdown.preemptible(text)
  local spin = 'while true do local _ = ("x"):rep(100000) '
  return os.getenv("RT_FLAVOR") == "tsan" and text:gsub("while true do", spin) or text
end

return markdown
