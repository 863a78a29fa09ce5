--- guard(name, file): a value to close. When it is closed, it prints "closed NAME", or writes that line to the file.
local function guard(name, file)
  return setmetatable({}, {
    __close = function()
      if file then
        file:write("closed " .. name .. "\n")
      else
        print("closed " .. name)
      end
    end,
  })
end

return guard
