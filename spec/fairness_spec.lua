--- Tasks that wait, and tasks that compute, on the same workers (src/task/ready.h).
local kit = require("kit")

local function run(name, args, env)
  local code, out, err = kit.run(kit.program(name), args or "", 60, env)
  assert(code == 0, ("exit code %s\n%s%s"):format(code, out, err))
  return out
end

describe("beside 40 loops without an end,", function()
  for _, workers in ipairs { 1, 2 } do
    it(("G13 what waits goes first: %d workers"):format(workers), function()
      kit.eventually(function()
        local out = run("waits_first", "40 " .. workers)
        local most = 0
        for ms in out:gmatch("%S+") do
          most = math.max(most, tonumber(ms))
        end
        return most <= 25 * kit.slow_flavor, out
      end)
    end)

    it(("G13 each loop gets its share: %d workers"):format(workers), function()
      if kit.flavor == "tsan" then
        return pending("one round of the loop takes as long as a slice")
      end
      -- (With a short period each loop has many turns, of which it may have one more or less.)
      kit.eventually(function()
        local out, even = run("shares", ("16 %d 3"):format(workers), "RT_TICK_US=500"), true
        for least, most in out:gmatch("(%S+)\t(%S+)") do
          even = even and tonumber(least) / tonumber(most) >= 0.9
        end
        return even, out
      end)
    end)
  end

  it("G13 a cancelled loop goes first", function()
    kit.eventually(function()
      local out = run("cancel_first", "40")
      return tonumber(out) <= 50 * kit.slow_flavor, out
    end)
  end)
end)

describe("beside tasks that give way again and again", function()
  it("G13 what computes is not kept from running", function()
    assert.equal("done\n", run("yields_beside"))
  end)
end)
