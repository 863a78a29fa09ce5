--- Linearizability of channels and semaphores: there is an order in which the operations of
--- concurrent tasks could have happened one after the other. (mutex_spec and dict_spec check
--- mutexes and dicts.)
local history = require("history")
local kit = require("kit")
local stories = require("stories")

describe("random programs are linearizable:", function()
  it("G20 channels, a rendezvous among them", function()
    kit.on_workers(kit.program("channels"))
  end)

  it("G19 semaphores", function()
    kit.on_workers(kit.program("semaphores"))
  end)

  it("… and the judge knows stories that are not", function()
    local channel, rendezvous, semaphore = stories.channel(1), stories.rendezvous, stories.semaphore
    local function told(story, state, ops)
      for i, op in ipairs(ops) do
        op.called, op.returned = op.called or i, op.returned or i + 0.5
      end
      return history.linearizable(ops, story, state, story == rendezvous and stories.nothing_left)
    end
    local function sent(v, from, to)
      return { "send", v, result = true, called = from, returned = to }
    end
    local function got(v, from, to)
      return { "recv", result = v, called = from, returned = to }
    end
    assert.is_true(told(channel, "", { sent(1), got(1), sent(2), got(2) }))
    assert.is_false(told(channel, "", { sent(1), sent(2), got(1), got(2) })) -- its capacity is one
    assert.is_true(told(channel, "", { sent(1), sent(2, 2, 9), got(1, 3, 4), got(2, 5, 6) }))
    assert.is_false(told(channel, "", { sent(1), sent(2, 2, 9), got(2, 3, 4), got(1, 5, 6) }))
    assert.is_false(told(channel, "", { sent(1), got(1), got(1) })) -- received twice
    local empty = { "recv", why = "empty" }
    assert.is_false(told(channel, "", { sent(1), empty })) -- lost
    assert.is_false(told(channel, "", { { "close" }, sent(1) }))
    assert.is_true(told(rendezvous, "", { sent(1, 1, 4), got(1, 2, 3) }))
    assert.is_true(told(rendezvous, "", { got(1, 1, 3), sent(1, 2, 4), { "close" } }))
    assert.is_false(told(rendezvous, "", { sent(1, 1, 2), got(1, 3, 4) })) -- its capacity is 0
    assert.is_false(told(rendezvous, "", { got(1, 1, 2), sent(1, 3, 4) })) -- before it was sent
    assert.is_false(told(rendezvous, "", { sent(1, 1, 9), got(1, 2, 3), got(1, 4, 5) }))
    assert.is_false(told(rendezvous, "", { sent(1, 1, 9), empty })) -- lost
    assert.is_false(
      told(rendezvous, "", { { "close", called = 1, returned = 2 }, sent(1, 3, 5), got(1, 4, 6) })
    )
    assert.is_false( -- the message of the second sender was not received
      told(
        rendezvous,
        "",
        { sent(1, 1, 4), sent(2, 2, 5), got(1, 3, 6), { "recv", why = "empty" } }
      )
    )
    local function took(n, from, to)
      return { "acquire", n, result = true, called = from, returned = to }
    end
    assert.is_true(told(semaphore, 3, { took(2), took(1), { "release", 1 }, took(1) }))
    assert.is_false(told(semaphore, 3, { took(2), took(2) }))
    assert.is_true(told(semaphore, 3, { took(2), took(2, 2, 9), { "release", 1 } }))
    assert.is_false(told(semaphore, 3, { took(2), { "try", 1, result = false } }))
  end)
end)
