--- What the scripts for the sweep of failing allocations (spec/ground/oom.c) share. Each script
--- returns true, or raises an error: an error of memory, or one with "wrong" in it if a check
--- failed.
local rt = require("rt")

local oom = {}

function oom.right(holds, what)
  if not holds then
    error("wrong: " .. what, 0)
  end
end

--- The message of a stack that cannot grow is another one.
local words =
  { "not enough memory", "ENOMEM", "stack overflow", "too many results", "too many arguments" }
local function is_of_memory(err)
  if type(err) ~= "string" then
    return false
  end
  for _, word in ipairs(words) do
    if err:find(word, 1, true) then
      return true
    end
  end
  return false
end

local function have_ended(tasks)
  local all, failed = true, false
  for _, task in ipairs(tasks) do
    local status = task:status()
    failed = failed or status == "failed"
    all = all and (status == "done" or status == "failed" or status == "cancelled")
  end
  return all, failed
end

--- Returns the first results of all tasks. If a task fails, the other tasks are cancelled, since
--- they may wait for it. After a failure for lack of memory, other tasks may fail for other
--- reasons: the error of memory is raised then.
function oom.join(...)
  local tasks, results, failures, worst = { ... }, {}, 0, nil
  local all, failed = have_ended(tasks)
  while not all do
    if failed then
      for _, task in ipairs(tasks) do
        task:cancel()
      end
    end
    rt.yield()
    all, failed = have_ended(tasks)
  end
  for i, task in ipairs(tasks) do
    local ok, value = pcall(task.join, task)
    if not ok then
      failures = failures + 1
      if not is_of_memory(worst) then
        worst = value
      end
    end
    results[i] = value
  end
  if failures > 0 then
    error(worst, 0)
  end
  return table.unpack(results)
end

--- As listener:accept(). rt tries to accept again until there is memory. In a run in which no more
--- allocation succeeds that is for ever, so then this raises. (`rt.timeout` returns nil, "timeout" if
--- rt has tried twice in vain.)
function oom.accept(listener)
  while true do
    local stream, message = rt.timeout(0.25, listener.accept, listener)
    if stream or message ~= "timeout" then
      return stream, message
    end
    if not pcall(string.rep, "x", 1 << 16) then
      error("not enough memory to accept", 0)
    end
  end
end

return oom
