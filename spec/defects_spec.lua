--- Defects that other systems had when a wait was cancelled at the worst moment. Each is tried with
--- everything that a task can wait for, with 1, 2 and 4 workers.
local kit = require("kit")

describe("known defects of other systems:", function()
  it("G8 a queue is not poisoned by timeouts of 0", function()
    kit.on_workers(kit.program("timeouts_of_zero"))
  end)

  it("G8 what a cancelled waiter did not get is there for the next one", function()
    kit.on_workers(kit.program("cancelled_waiters"))
  end)

  it("G8 G9 what is given after a cancel does not go to who was cancelled", function()
    kit.on_workers(kit.program("given_after_the_cancel"))
  end)

  it("G8 G11 a wake-up that comes late does nothing to the next wait", function()
    kit.on_workers(kit.program("late_wake_ups"))
  end)

  it("a permit or a lock is not lost with its holder", function()
    kit.on_workers(kit.program("holders_that_die"))
  end)
end)
