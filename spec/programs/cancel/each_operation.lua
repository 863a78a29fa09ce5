--- Cancels the wait of every row of the cancel table, and prints for each whether its checks
--- passed: "NAME: ok", or what was wrong.
--   each_operation.lua HOW PLACE WORKERS
-- HOW: cancel, timeout, scope, shutdown; PLACE: local or pool, which is where the task is that
-- waits.
local how, place, workers = ...
workers = tonumber(workers)

local rt = require("rt")
local slow = require("slow")
rt.configure { stall = 60 } -- (the row of a full pool may take a second)
local help = require("cancel_table.help")
local table_of = require("cancel_table")

local rows, names = table_of.rows, table_of.names
local guard = help.guard

--- The events of each row, by its name; all states share this dict.
local seen = rt.dict()

local function nothing() end

--- Two tasks that meet here in a critical section are on two workers. So a task of the pool is
--- cancelled by another thread.
local function meet(name)
  if place ~= "pool" or workers == 1 or how ~= "scope" then
    return
  end
  rt.critical(function()
    seen:incr(name .. ": met")
    while seen:get(name .. ": met") < 2 do
    end
  end)
end

-- The task that waits

local function waiter(row, my, own)
  local closes <close> = guard(seen, my.name .. ": closed")
  row.wait(my, own)
  error("the wait ended by itself", 0)
end

local function body(row, my, back)
  meet(my.name)
  local own = row.setup(my)
  seen:set(my.name, "ready")
  local result, why
  if how == "timeout" then
    result, why = rt.timeout(0.01 * slow, waiter, row, my, own)
  else
    result, why = pcall(waiter, row, my, own)
  end
  rt.shield(function()
    row.settle(my, own)
    back:send(my)
  end)
  if how ~= "timeout" then
    error(why, 0)
  end
  return result, why
end

local spawn = place == "pool" and "spawn" or "spawn_local"

--- How `my` is handed to the task that checks. (Tasks of one state share the table: Lua never
--- finalizes an object that is made while a stock interpreter closes its state.)
local function way_back()
  if place == "pool" then
    return rt.channel(1)
  end
  return {
    send = function(self, my)
      self.my = my
    end,
    recv = function(self)
      return self.my
    end,
  }
end

--- (The handle of a task of the pool does not show whether it waits, and rt.tasks leaves out a
--- worker that does not answer in time.)
local function waits(task)
  for _, info in ipairs(rt.tasks()) do
    if info.id == task.id then
      return info.state == "waiting"
    end
  end
  local status = task:status()
  assert(
    status == "queued" or status == "running" or status == "waiting",
    "it has ended: " .. status
  )
  return false
end

local function until_it_waits(name, task)
  while not (seen:get(name) and waits(task)) do
    rt.sleep(0.001)
  end
end

-- What cancels the wait

--- Prepares a row: what the task that waits gets, and what its check gets.
local function prepare(name)
  local row = rows[name]
  local my, their = (row.prepare or nothing)()
  my = my or {}
  my.name, my.how, my.seen = name, how, seen
  local parts = { setup = row.setup or nothing, wait = row.wait, settle = row.settle or nothing }
  return parts, my, way_back(), their
end

local function after(name, check, back, their)
  local my = assert(back:recv())
  assert(seen:get(name .. ": closed") == 1, "not closed once")
  check(my, their)
end

local ways = {}

function ways.cancel(name, parts, my, back)
  local task = rt[spawn](body, parts, my, back)
  until_it_waits(name, task)
  assert(task:cancel("called off"))
  local _, err = pcall(task.join, task)
  assert(task:status() == "cancelled" and err.reason == "called off", tostring(err))
end

function ways.timeout(_, parts, my, back)
  local result, why = rt[spawn](body, parts, my, back):join()
  assert(result == nil and why == "timeout", tostring(why))
end

function ways.scope(name, parts, my, back)
  local task
  local _, err = pcall(rt.scope, function(scope)
    local fail = rt.channel(0)
    task = scope[spawn](scope, body, parts, my, back)
    scope:spawn(function()
      meet(name)
      fail:recv()
      error("sibling", 0)
    end)
    until_it_waits(name, task)
    fail:send(true)
  end)
  assert(err == "sibling", tostring(err))
  assert(task:status() == "cancelled")
end

local function tell(name, ok, err)
  print(name .. ": " .. (ok and "ok" or tostring(err)))
end

--- All tasks wait, those that check included; then a task of the pool ends the program.
local function shut_down()
  local tasks = {}
  local function checker(name, task, check, back, their)
    seen:set(name .. ": checker", "ready")
    pcall(rt.sleep, 1000)
    rt.shield(function()
      local _, err = pcall(task.join, task)
      if task:status() ~= "cancelled" then
        return tell(name, false, err)
      end
      tell(name, pcall(after, name, check, back, their))
    end)
  end
  for _, name in ipairs(names) do
    local parts, my, back, their = prepare(name)
    local task = rt[spawn](body, parts, my, back)
    tasks[name] = task
    until_it_waits(name, task)
    local check = rows[name].check or nothing
    tasks[name .. ": checker"] = rt[spawn](checker, name, task, check, back, their)
  end
  for name, task in pairs(tasks) do
    until_it_waits(name, task)
  end
  rt.spawn(rt.shutdown, 60 * slow)
  pcall(rt.sleep, 1000)
end

if how == "shutdown" then
  return shut_down()
end
for _, name in ipairs(names) do
  tell(
    name,
    pcall(function()
      local parts, my, back, their = prepare(name)
      ways[how](name, parts, my, back)
      after(name, rows[name].check or nothing, back, their)
    end)
  )
end
