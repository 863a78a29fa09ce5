--- The C files that need no Lua have tests in C: spec/ground/*.c, each a program that prints a line
--- for each check ("ok SENTENCE", "not ok SENTENCE") and exits with 1 if one of them failed.
local kit = require("kit")

--- Programs that another spec runs, with arguments.
local not_here = { oom = true }

describe("ground:", function()
  for source in io.popen("ls spec/ground/*.c"):lines() do
    local name = source:match("([^/]*)%.c$")
    if not not_here[name] then
      it(name .. " keeps what its header promises", function()
        if not kit.in_rt_lua then
          return pending("the same in every host")
        end
        local code, out, err = kit.shell(kit.quote(kit.build .. "/ground/" .. name), 60)
        local report = ("exit code %s\n%s%s"):format(code, out, err)
        assert(code == 0, report)
        assert(out:find("^ok ", 1) or out:find("\nok "), "no check was made: " .. report)
        assert(not out:find("\nnot ok "), report)
      end)
    end
  end
end)
