-- Counts the words of many files on all cores: rt.map runs a function for each file, and returns
-- the results in the order of the files.
-- Run: build/lua5.4/rt-lua examples/parallel_map.lua [file ...]    (the examples themselves)
local rt = require("rt")

--- How often each word is in the file, and how many lines it has.
local function count(path)
  local words, lines = {}, 0
  for line in assert(io.open(path)):lines() do
    lines = lines + 1
    for word in line:gmatch("%a+") do
      word = word:lower()
      words[word] = (words[word] or 0) + 1
    end
  end
  return { words = words, lines = lines }
end

local paths = { table.unpack(arg) }
if #paths == 0 then
  local folder = arg[0]:match("^(.*)/") or "."
  for path in io.popen("ls " .. folder .. "/*.lua"):lines() do
    paths[#paths + 1] = path
  end
end

local total, lines, ranking = {}, 0, {}
for _, file in ipairs(rt.map(nil, paths, count)) do
  lines = lines + file.lines
  for word, n in pairs(file.words) do
    total[word] = (total[word] or 0) + n
  end
end
for word in pairs(total) do
  ranking[#ranking + 1] = word
end
table.sort(ranking, function(a, b)
  if total[a] ~= total[b] then
    return total[a] > total[b]
  end
  return a < b
end)

print(("%d files, %d lines, %d different words"):format(#paths, lines, #ranking))
for i = 1, math.min(3, #ranking) do
  print(("%7d  %s"):format(total[ranking[i]], ranking[i]))
end

-- expect~: %d+ files, %d+ lines, %d+ different words
-- expect~:  +%d+  %l+
-- expect~:  +%d+  %l+
-- expect~:  +%d+  %l+
