--- rt.map and rt.each: a function for each item of a list or an iterator, in at most n tasks of the
--- pool.
--
-- The tasks, here called runners, are those of a scope. Each has a copy of the function and receives
-- items from one channel until that is closed; it says on another one which items have ended, with
-- their results. The task that called draws the items, and is the body of the scope: so a failure ends
-- it, too, wherever it or the iterator waits.
--
-- Cheap items of a list are sent in chunks, since a message costs more than many of them. A chunk is
-- longer than one item only if the one before has taken a small part of a millisecond, so an item that
-- waits or computes delays no other one. Items of an iterator are sent one by one: none is drawn before
-- it can be begun.
local core = require("rt.core")
local scope = require("rt.scope")
local internal = core.internal
local error, pcall, select, getmetatable = error, pcall, select, getmetatable
local type, format, gsub = type, string.format, string.gsub
local min, max = math.min, math.max
local pack, unpack = table.pack, table.unpack

internal.spawns_for_callers()

local check, class_of = internal.check, internal.class_of
local channel, now, workers = core.channel, core.now, core.workers

local map = {}

--- The most items of a chunk, and the seconds within which a chunk must have ended so that the next
--- ones are twice as long; if it has taken four times as long, they are half as long.
local CHUNK_MAX, SHORT = 128, 0.0002

--- Sends the values of a chunk from the item `at` on, behind `before` other values. If one cannot be
--- sent, the error names the item and not the place in the message. what: nil for an iterator, whose
--- item may be several values.
local function send_values(ch, what, before, at, ...)
  local ok, err = pcall(ch.send, ch, at, ...)
  if not ok then
    local function name(place)
      return format("cannot send %s %d", what or "item", what and at + place - before - 1 or at)
    end
    error(type(err) == "string" and gsub(err, "cannot send value (%d+)", name, 1) or err, 0)
  end
end

-- --- runners -------------------------------------------------------------------------------------

--- Runs an item of an iterator, which may be several values. Returns false if there is none.
local function run_item(f, ended, keeps, at, ...)
  if at == nil then
    return false
  elseif keeps then
    send_values(ended, "the result of item", 3, at, 1, 1, (f(...)))
  else
    f(...)
    ended:send(at, 1, 1)
  end
  return true
end

--- Runs a chunk of a list: items from the index `at` on. Returns false if there is none.
local function run_chunk(f, ended, keeps, at, ...)
  if at == nil then
    return false
  end
  local began, items = now(), pack(...)
  local n = items.n
  for i = 1, n do
    items[i] = (f(items[i]))
  end
  if keeps then
    send_values(ended, "the result of item", 3, at, n, now() - began, unpack(items, 1, n))
  else
    ended:send(at, n, now() - began)
  end
  return true
end

--- The function of a runner.
function map.run(f, is_list, keeps, items, ended)
  local run = is_list and run_chunk or run_item
  while run(f, ended, keeps, items:recv()) do
  end
end

-- --- the task that calls -------------------------------------------------------------------------

--- What the body of the scope works with: `scope`; `f`; `n`, how many runners there may be; `runners`,
--- how many there are; `items` and `ended`, the channels; `sent`, how many messages with items have not
--- been answered; `results`, nil for rt.each; `chunk`, how many items the next one has.

--- Sends items. A runner is started if each that there is has something to do.
local function send(state, ...)
  if state.sent >= state.runners and state.runners < state.n then
    local keeps = state.results ~= nil
    state.scope:spawn(map.run, state.f, state.is_list, keeps, state.items, state.ended)
    state.runners = state.runners + 1
  end
  state.sent = state.sent + 1
  send_values(state.items, state.is_list and "item", 1, ...)
end

--- The answer of a runner: n items from the index `at` on have ended, after so many seconds.
local function take(state, at, n, seconds, ...)
  state.sent = state.sent - 1
  local results = state.results
  if results and n == 1 then
    results[at] = (...)
  elseif results then
    local values = { ... }
    for i = 1, n do
      results[at + i - 1] = values[i]
    end
  end
  if seconds < SHORT and n >= state.chunk then
    state.chunk = min(2 * n, CHUNK_MAX)
  elseif seconds > 4 * SHORT then
    state.chunk = max(state.chunk // 2, 1)
  end
end

--- Sends the items of a list; a second chunk for each runner waits in the channel. The last chunks are
--- short, so that the runners end at about the same time.
local function send_list(state, list, count)
  local at, most = 1, 2 * state.n
  while at <= count do
    while state.sent >= most do
      take(state, state.ended:recv())
    end
    local last = min(at + min(state.chunk, (count - at) // most + 1), count + 1) - 1
    send(state, at, unpack(list, at, last))
    at = last + 1
  end
  return count
end

--- Sends what an iterator has returned, as the item `at`. Returns false at its end.
local function send_drawn(state, at, first, ...)
  if first == nil then
    return false
  end
  send(state, at, first, ...)
  return true
end

--- Sends the items of an iterator; it is called when one of the runners has nothing to do.
local function send_all(state, iterator)
  local count = 0
  while send_drawn(state, count + 1, iterator()) do
    count = count + 1
    while state.sent >= state.n do
      take(state, state.ended:recv())
    end
  end
  return count
end

local function body(self, state, source, count)
  state.scope = self
  count = count and send_list(state, source, count) or send_all(state, source)
  while state.sent > 0 do
    take(state, state.ended:recv())
  end
  state.items:close()
  return count
end

--- Runs f for each item. count: of a list; nil: the source is an iterator.
local function run(n, source, count, f, results)
  local most = count and min(n, max(count, 1)) or n
  local state = { f = f, n = most, is_list = count ~= nil, results = results }
  state.runners, state.sent, state.chunk = 0, 0, 1
  state.items, state.ended = channel(2 * most), channel(2 * most)
  scope.open(function(self)
    state.count = body(self, state, source, count)
  end, "each")
  if results then
    results.n = state.count
  end
  return results
end

local function is_callable(x)
  local meta = getmetatable(x)
  return type(x) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

--- Checks the arguments, and runs f for each item.
local function start(name, results, ...)
  local n, source, f = ...
  n = n == nil and workers() or n
  local valid = type(n) == "number" and n % 1 == 0 and n >= 1 and n <= 0x7fffffff
  check(valid, 1, name, "a number of tasks from 1 to 2^31 - 1", class_of, n)
  local iterates = is_callable(source)
  if not iterates and type(source) ~= "table" then
    check(false, 2, name, "list or iterator", class_of, select(2, ...))
  end
  if type(f) ~= "function" then
    check(false, 3, name, "function", class_of, select(3, ...))
  end
  internal.check_sendable(f, 3, name)
  return run(n // 1 | 0, source, not iterates and #source or nil, f, results)
end

--- Runs f(item) for each item on all cores, at most n at once. Returns a list of the first result of
--- each, in the order of the items, with their number in its field n. The first error cancels the rest,
--- and is raised. n: nil means the number of workers.
function map.map(...)
  return start("map", {}, ...)
end

--- The same without results.
function map.each(...)
  start("each", nil, ...)
end

return internal.hide(map)
