--- Functions of rt that get values which do not belong there, and objects that are used when they
--- have been finalized. rt may refuse them; the process lives.
local kit = require("kit")

describe("wrong values", function()
  it("end no process, whatever function or metamethod gets them", function()
    local code, out, err = kit.run(kit.program("everywhere"), nil, 60)
    assert.same({ 0, "right\n" }, { code, out }, err)
  end)

  it(
    "are told by position and class, as the program gave them; what is missing, as missing",
    function()
      local code, out, err = kit.run(kit.program("messages"))
      assert.same({ 0, "checked\n" }, { code, out }, err)
    end
  )

  it(
    "are refused by tostring of an operation, and by finalizers that are called by hand",
    function()
      local rt = require("rt")
      local operation, channel = rt.sleep_op(1), rt.channel(1)
      local wrong = "bad argument #1 to '[^']*' %(rt%.%w+ expected, got [%w*]+%)"
      for _, value in ipairs { 1, "text", io.stdout } do
        assert.matches(wrong, kit.refused(debug.getmetatable(operation).__tostring, value))
        assert.matches(wrong, kit.refused(debug.getmetatable(channel).__gc, value))
      end
      channel:send("it is as it was")
      assert.equal("it is as it was", channel:recv())
    end
  )

  it("a guard may be used in a finalizer that comes after that of its mutex", function()
    local code, out, err = kit.run(kit.program("finalized"))
    assert.same(
      { 0, "false\tthe mutex has been unlocked\trt.guard (unlocked)\n" },
      { code, out },
      err
    )
  end)
end)
