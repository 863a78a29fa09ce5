--- rt.barrier: tasks that wait for each other.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local becomes, spawners = task_kit.becomes, task_kit.spawners

describe("rt.barrier", function()
  it("lets them go when all have come, one of them as the leader, round after round", function()
    kit.on_workers(kit.program("rounds"))
  end)

  it("of one waits for nobody", function()
    assert.is_true(rt.barrier(1):wait())
  end)

  for _, spawner in ipairs(spawners) do
    it("G8 one that is cancelled has not come: " .. spawner[1], function()
      local b = rt.barrier(3)
      local gone, first =
        spawner[2](function()
          return b:wait()
        end), spawner[2](function()
          return b:wait()
        end)
      becomes(b, "2 of 3 waiting")
      gone:cancel()
      becomes(b, "1 of 3 waiting")
      assert.same({ nil, "timeout" }, { rt.timeout(0.002, b.wait, b) })
      local second = spawner[2](function()
        return b:wait()
      end)
      becomes(b, "2 of 3 waiting")
      assert.is_true(b:wait())
      assert.is_false(first:join())
      assert.is_false(second:join())
    end)
  end
end)
