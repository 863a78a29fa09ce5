--- The C files without Lua in all schedules of their threads, up to a bound: spec/model/*.c, each a
--- program that prints a line for each property ("ok SENTENCE (n schedules)") and for each seeded
--- bug that it finds; see spec/model/explorer/explore.h.
local kit = require("kit")

local supported = io.popen("uname -s"):read("l") == "Linux"

describe("model:", function()
  for source in io.popen("ls spec/model/*.c"):lines() do
    local name = source:match("([^/]*)%.c$")
    it(name .. " keeps its promises in every schedule with two preemptions", function()
      if kit.flavor ~= "" or not kit.in_rt_lua or not supported then
        return pending("the same in every host")
      end
      local code, out, err = kit.shell(kit.quote(kit.build .. "/model/" .. name), 300)
      local report = ("exit code %s\n%s%s"):format(code, out, err)
      assert(code == 0, report)
      assert(out:find("^ok ") and out:find("\nok … it would not if "), "too little: " .. report)
      assert(not out:find("\nnot ok ") and not out:find("not all)", 1, true), report)
    end)
  end
end)
