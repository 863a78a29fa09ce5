--- Every allocation of a script fails in turn; spec/ground/oom.c states how, and what must hold. By
--- default every eleventh allocation fails, from a random one on; with RT_SWEEP=all each of them, in
--- both kinds of host.
local kit = require("kit")

local all = os.getenv("RT_SWEEP") == "all"
local stride = all and 1 or 11
local first = all and 1 or os.time() % stride + 1

--- A run that takes longer hangs.
local POINT_SECONDS = 8

--- How many allocations fail from the chosen one on; 0: all that follow.
local widths = { 1, 2, 0 }

local function sweep(script, width, options)
  local command = ("LUA_PATH=%s exec %s -t %d -w %d -s %d -o %d %s %s"):format(
    kit.quote(kit.build .. "/?.lua;" .. kit.build .. "/?/init.lua;spec/oom/support/?.lua"),
    kit.quote(kit.build .. "/ground/oom"),
    POINT_SECONDS * kit.slow // 1,
    width,
    stride,
    first,
    options,
    script
  )
  local code, out, err = kit.shell(command, all and 600 or 60)
  local points = tonumber(out:match("(%d+) points"))
  assert(code == 0, ("%s\nexit code %s\n%s%s"):format(command, code, out, err))
  assert(points and points > 500 / stride, "hardly a point was tried: " .. out)
end

describe("without memory", function()
  local index = first
  for script in io.popen("ls spec/oom/*.lua"):lines() do
    index = index + 1
    local hosts = all and { "", "-m" } or { index % 2 == 0 and "" or "-m" }
    it(script:match("([^/]*)%.lua$") .. ": no crash, no leak, no hang, no wrong result", function()
      if kit.flavor ~= "asan" or not kit.in_rt_lua then
        return pending("only with the address sanitizer")
      end
      for _, host in ipairs(hosts) do
        for _, width in ipairs(widths) do
          sweep(script, width, host)
        end
      end
    end)
  end

  it("making a state, opening libraries: the same", function()
    if kit.flavor ~= "asan" or not kit.in_rt_lua then
      return pending("only with the address sanitizer")
    end
    for _, width in ipairs(widths) do
      sweep("spec/oom/end.lua", width, "-l")
      sweep("spec/oom/end.lua", width, "-l -m")
    end
  end)
end)
