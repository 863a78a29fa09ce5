--- A host that hides functions of Lua's libraries before it loads rt, as a sandbox does. rt must
--- not call the hidden functions.
local kit = require("kit")

local function run(hide, program, seconds)
  local code, out, err = kit.run(hide .. ' local rt = require("rt") ' .. program, nil, seconds)
  return code, out .. err
end

local EXIT_IN_POOL_TASK = [[rt.spawn(function() os.exit(3, true) end) rt.sleep(60)]]
local EXIT_WHILE_MAIN_COMPUTES = [[rt.spawn(function() os.exit(3, true) end) while true do end]]
local FORGIVEN_DEADLOCKS =
  [[for _ = 1, 5 do pcall(function() rt.channel(0):recv() end) end print("not ended")]]

describe("a host without os:", function()
  for name, hide in pairs {
    ["os"] = "os = nil",
    ["os.exit"] = "os.exit = nil",
    ["os, coroutine and print"] = "os, coroutine, print = nil, nil, nil",
  } do
    it("G25 os.exit(code, true) in a pool task ends the process, without " .. name, function()
      local code, text = run(hide, EXIT_IN_POOL_TASK)
      assert(code == 3, text)
    end)

    it("G25 … and if the main chunk computes, without " .. name, function()
      local code, text = run(hide, EXIT_WHILE_MAIN_COMPUTES)
      assert(code == 3, text)
    end)

    it("G26 a program that forgives every deadlock is ended, without " .. name, function()
      local code, text = run(hide .. " io = nil", FORGIVEN_DEADLOCKS)
      assert(code == 1, text)
      assert(text:find("rt: deadlock: ", 1, true), text)
      assert(not text:find("not ended", 1, true), text)
    end)

    it("G24 rt.shutdown ends it, without " .. name, function()
      local code, text = run(hide, [[rt.spawn(function() rt.shutdown(1) end) rt.sleep(60)]])
      assert(code == 0, text)
    end)
  end
end)
