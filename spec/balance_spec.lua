--- Which worker begins a task (src/sched/balance.h).
local kit = require("kit")

describe("tasks that wait first, and compute then,", function()
  --- How many of 16 tasks the worker that has begun the most of them has begun, the mean of 20 rounds.
  local function largest_share(workers, how, who)
    local args = ("%d 16 %s %s 20"):format(workers, how, who)
    local code, out, err = kit.run(kit.program("begun"), args, 60)
    assert.same({ 0, "" }, { code, err })
    local sum, rounds = 0, 0
    for line in out:gmatch("[^\n]+") do
      local most = 0
      for count in line:gmatch("%d+") do
        most = math.max(most, tonumber(count))
      end
      sum, rounds = sum + most, rounds + 1
    end
    assert.equal(20, rounds)
    return sum / rounds, out
  end

  for workers, limit in pairs { [2] = 10.5, [4] = 8 } do
    for _, how in ipairs { "sleep", "socket" } do
      for _, who in ipairs { "main", "task" } do
        it(("G39 are spread: %d workers, %s, spawned by %s"):format(workers, how, who), function()
          -- Without regard to the load it is 13 to 16 of 2 workers, 10 to 15 of 4. A thread that the
          -- system wakes late gets fewer.
          kit.eventually(function()
            local share, out = largest_share(workers, how, who)
            return share < limit, ("%.1f\n%s"):format(share, out)
          end)
        end)
      end
    end
  end
end)

describe("a task that is queued for a worker that is stuck in a C function", function()
  it("G39 is begun by another worker, also if that one computes", function()
    local fifo = require("scratch")() .. "/fifo"
    assert(os.execute("mkfifo " .. fifo))
    local code, out = kit.run(kit.program("stuck"), fifo, 60)
    assert.same({ 0, "begun\n" }, { code, out })
  end)
end)
