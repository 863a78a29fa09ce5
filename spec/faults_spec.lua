--- System calls that fail.
local kit = require("kit")

describe("without descriptors", function()
  it("a name that cannot be looked up is EMFILE, and localhost needs no lookup", function()
    local command = kit.command(kit.program("name_without_descriptors"))
    local code, out, err = kit.shell("ulimit -n 40; exec env " .. command)
    assert.same({ 0, "EMFILE\t127.0.0.1\t127.0.0.1\n" }, { code, out }, err)
  end)
end)
