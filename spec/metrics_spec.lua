--- rt.metrics: the numbers never fall, and the sums are right.
local kit = require("kit")

--- Runs a program, which must end well and quietly; returns its output.
local function fine(workers, name)
  local code, out, err = kit.run(kit.program(name), nil, 60, "RT_WORKERS=" .. workers)
  assert.same({ 0, "" }, { code, err })
  return out
end

describe("rt.metrics", function()
  for _, workers in ipairs { 1, 2, 4 } do
    it(
      "G27 adds up, and G2 spawned = started + cancelled before start: " .. workers .. " workers",
      function()
        local out = fine(workers, "tasks_of_all_kinds")
        assert.equal("true\ttrue\ttrue\n", out)
      end
    )
  end

  it("G27 is the sum of what each worker has done, and never falls", function()
    fine(4, "sums_while_tasks_run")
  end)

  it("G27 is the same on every worker", function()
    fine(2, "metrics_of_workers")
  end)

  it("G27 counts without a pool, too", function()
    fine(2, "metrics_without_a_pool")
  end)

  if kit.flavor ~= "tsan" then
    it("G27 counts what was switched", function()
      fine(1, "preempted_task")
    end)
  end
end)
