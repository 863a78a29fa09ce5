--- Every operation that waits, with what must hold after its wait was cancelled: the rows of
--- cancel_table.md, from the files of cancel_table/. Returns them by name, and their names in order.
local rows, names = {}, {}

for _, file in ipairs { "tasks", "net", "channels", "locks", "values", "select" } do
  for name, row in pairs(require("cancel_table." .. file)) do
    assert(not rows[name], name)
    rows[name] = row
    names[#names + 1] = name
  end
end
table.sort(names)

return { rows = rows, names = names }
