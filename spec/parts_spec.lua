--- src/worker/parts.h says which files change each part of a worker's record; the source keeps to
--- it.
local kit = require("kit")
local parts = require("parts")
local source = require("source")

--- The text of each file, by path below src/.
local files = {}
for _, path in ipairs(source.c_files("src")) do
  files[path:match("^src/(.*)")] = kit.read(path)
end
local lists, without_list = parts.read(files["worker/parts.h"], files["worker/worker.h"])

local changes = {}
for path, text in pairs(files) do
  changes[path] = parts.changes(lists, text)
end

--- Returns what is reported if a file has another text.
local function complaints_with(path, text)
  local before = changes[path]
  changes[path] = parts.changes(lists, text)
  local messages = parts.check(lists, changes)
  changes[path] = before
  return messages
end

describe("parts of a worker:", function()
  it("each has a list of the files that change it", function()
    assert.same({}, without_list)
    local names = {}
    for name in pairs(lists) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same(
      "blocked current deadlock end_wait exit failures grace_timer guards idle_gc ids loop own_stalls preempt preload "
        .. "shutdown signals stop task_entry tasks traceback turn unhandled unjoined unwind",
      table.concat(names, " ")
    )
  end)

  it("each has one owner: a file, or a file and its header", function()
    for name, list in pairs(lists) do
      local owner
      for path in pairs(list) do
        local is_exception = name == "unhandled" and path == "worker/worker.c"
        local stem = path:gsub("%.[ch]$", "")
        owner = owner or not is_exception and stem
        assert.is_true(is_exception or stem == owner, name .. ": " .. path)
      end
    end
  end)

  it("are changed by the files that are listed, and each of these changes its part", function()
    assert.same({}, parts.check(lists, changes))
  end)

  it("are seen to be changed by an assignment, a counter and an address", function()
    for text, field in pairs {
      ["w->exit.failed = true;"] = "exit.failed",
      ["w->exit.failed |= bad;"] = "exit.failed",
      ["w->exit.has_code = w->current.task == NULL;"] = "exit.has_code",
      ["int n = ++w->ids.last_task;"] = "ids.last_task",
      ["w->loop.slices--;"] = "loop.slices",
      ["rt_worker_of(driver)->unwind.requested = true;"] = "unwind.requested",
      ["rt_timer_remove(&w->grace_timer.call.timer);"] = "grace_timer.call",
      ["++rt_self(L)->preempt.switches;"] = "preempt.switches",
      ["rt_preempt *p = &w->preempt;"] = "preempt.",
      ["w->exit = (rt_worker_exit){0};"] = "exit.",
    } do
      local _, lines = files["lib/net/tcp.c"]:gsub("\n", "")
      assert.same(
        { ("lib/net/tcp.c:%d changes %s"):format(lines + 1, field) },
        complaints_with("lib/net/tcp.c", files["lib/net/tcp.c"] .. text)
      )
    end
  end)

  it("are not changed by what reads them", function()
    for _, text in ipairs {
      "if (w->exit.failed == true && w->exit.code <= 3) return;",
      "int n = w->loop.slices - 1;",
      "if (ready && w->stop.begun) return;",
      "if (!rt_list_is_empty(&w->unhandled.jobs)) return;",
      "/* w->exit.failed = true; */",
      "s->exit.failed = true;",
    } do
      assert.same({}, complaints_with("lib/net/tcp.c", files["lib/net/tcp.c"] .. text))
    end
  end)

  it("are not changed in other fields than those that are named, nor listed in vain", function()
    local text = files["run/shutdown.h"]
    local _, lines = text:gsub("\n", "")
    assert.same({
      ("run/shutdown.h:%d changes shutdown.deadline, which is not named behind it"):format(
        lines + 1
      ),
    }, complaints_with("run/shutdown.h", text .. "w->shutdown.deadline = 1;"))
    assert.same(
      { "run/shutdown.h is listed for shutdown, and does not change it" },
      complaints_with("run/shutdown.h", text:gsub("w%->shutdown%.ended_main = ", ""))
    )
    text = files["worker/traceback.c"]
    assert.same(
      { "worker/traceback.c is listed for traceback, and does not change it" },
      complaints_with(
        "worker/traceback.c",
        text:gsub("w%->traceback%.%l+ = ", ""):gsub("w%->traceback%.%l+%+%+;", "")
      )
    )
  end)
end)
