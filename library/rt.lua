---@meta rt
-- What `require "rt"` returns, for lua-language-server: add this folder to "workspace.library".
-- docs/reference.md is generated from this file by `make docs`; spec/library_spec.lua compares the file
-- with the module, and spec/reference_spec.lua runs the examples.

---@class rt
---@field version string  the version of rt: "0.1.0"
---@field Cancelled rt.Cancelled  the metatable of cancellation errors: `getmetatable(err) == rt.Cancelled`
---@field tcp rt.tcp
local rt = {}

-- ## Tasks

--- Spawns a pool task: a task on any worker of the pool, in the Lua state of that worker. The function,
--- its upvalues and the arguments are copied as they are at the call; streams and listeners move. The
--- task sees the globals of its worker, not those of the caller. A function that has another environment
--- than the globals (`load(text, name, "t", env)`, `local _ENV = …`) takes that table along, as any
--- upvalue. What the function assigns to an upvalue changes its copy only: with warnings on (`-W`,
--- `warn("@on")`) Lua warns of it once a function, with the line and the name. `rt.spawn` returns before
--- any of the task has run. When the main chunk ends, tasks that have
--- not ended are cancelled: join the tasks that matter.
---
--- Raises if a value cannot be sent, and names it (`cannot send argument 1 .log (userdata FILE*) to
--- another worker`); then nothing has been spawned or moved. Raises if the queue of the worker is full
--- (2^24 tasks).
---
--- ```lua
--- local function square(n) return n * n end
--- local a, b = rt.spawn(square, 3), rt.spawn(square, 4)
--- print(a:join() + b:join()) -- 25
--- ```
---@param f function  a Lua function, or a C function that a module holds
---@param ... any  its arguments
---@return rt.task task
function rt.spawn(f, ...) end

--- Spawns a local task: a task in the same Lua state. It shares upvalues, tables and globals with the
--- other tasks of the state, and they take turns only where one of them waits. `rt.spawn_local` returns
--- before any of the task has run. When the main chunk ends, tasks that have not ended are cancelled.
---
--- ```lua
--- local count = 0
--- local function add() count = count + 1 end
--- local a, b = rt.spawn_local(add), rt.spawn_local(add)
--- rt.join(a, b)
--- print(count) -- 2
--- ```
---@param f function
---@param ... any  its arguments
---@return rt.task task
function rt.spawn_local(f, ...) end

--- Spawns a pool task on a thread that may be blocked: for C libraries that wait, `os.execute`, slow
--- files. There are at most 64 such threads (`rt.configure`), each with a Lua state. At most 1024 tasks
--- are queued for them; if the queue is full, the call waits. At the end of the program a call that
--- blocks is interrupted, and not waited for longer than a second.
---
--- ```lua
--- local task = rt.spawn_blocking(os.execute, "exit 3")
--- print(select(3, task:join())) -- 3
--- ```
---@async
---@param f function
---@param ... any  its arguments
---@return rt.task task
function rt.spawn_blocking(f, ...) end

--- The task that is running. In the main chunk that is the main task. In a finalizer that runs between
--- two tasks there is none.
---
--- ```lua
--- local task = rt.spawn_local(function() return rt.current().id end)
--- print(task:join() == task.id) -- true
--- ```
---@return rt.task|nil task
function rt.current() end

--- Lets each task of this worker that can run have a turn, and polls timers and the system once. Returns
--- after that.
---
--- ```lua
--- local done = false
--- rt.spawn_local(function() done = true end)
--- while not done do rt.yield() end
--- print(done) -- true
--- ```
---@async
function rt.yield() end

--- Waits for several tasks at once. A function is run as a local task. The first one that fails or is
--- cancelled cancels the functions that still run; its error is raised when they have ended. Tasks that
--- were given are not cancelled. Several errors are raised as one `rt.errors`.
---
--- Raises if an argument is neither a task nor a function, or is the task that calls.
---
--- ```lua
--- local task = rt.spawn(string.upper, "one")
--- print(rt.join(task, function() return "two" end)) -- ONE two
--- ```
---@async
---@param ... rt.task|function
---@return any ...  the first result of each
function rt.join(...) end

--- Waits for the first of several tasks to end. A function is run as a local task; the functions that lose
--- are cancelled, and have ended when `rt.race` returns. Tasks that were given go on, as with `rt.join`. If
--- the first task to end failed, its error is raised. If the call is cancelled or timed out, the functions
--- are cancelled for the same reason.
---
--- Raises if an argument is neither a task nor a function, or is the task that calls, or if there is no
--- argument.
---
--- ```lua
--- local function slow() rt.sleep(3600) end
--- print(rt.race(slow, function() return "quick" end)) -- 2 quick
--- ```
---@async
---@param ... rt.task|function
---@return integer index  the position of the task that ended first
---@return any ...  its results
function rt.race(...) end

--- Runs `f(scope)`, and returns or raises when all tasks of the scope have ended and cleaned up.
---
--- The policy says which end of a task cancels the others, and what the results are:
---
--- - `"all"`: the first failure cancels the other tasks and f, and is raised; several are raised as one
---   `rt.errors`.
--- - `"any"`: the first success cancels the other tasks and f, and its results are those of the scope.
--- - `"first"`: the first end of any kind does the same.
--- - `"settle"`: no end cancels other tasks, and failures stay in their tasks.
---
--- An error of f cancels all tasks and is raised. If the task that called `rt.scope` is cancelled or timed
--- out, all tasks of the scope are cancelled for the same reason.
---
--- ```lua
--- print(rt.scope(function(scope)
---   local a = scope:spawn(math.max, 3, 4)
---   local b = scope:spawn_local(function() return 5 end)
---   return a:join() + b:join()
--- end)) -- 9
--- local ok, err = pcall(rt.scope, function(scope)
---   scope:spawn(rt.sleep, 3600) -- is cancelled when the other task fails
---   scope:spawn_local(error, "broken", 0)
--- end)
--- print(ok, err) -- false broken
--- ```
---@async
---@param f fun(scope: rt.scope): ...
---@param policy? "all"|"any"|"first"|"settle"  default: "all"
---@return any ...  the results of f, or of the task that the policy names
function rt.scope(f, policy) end

--- Runs `f(item)` for each item in tasks of the pool, at most n at once, and waits for them. The results
--- come in the order of the items. The first error cancels the rest, and is raised when that has cleaned
--- up; several are raised as one `rt.errors`. If the caller is cancelled or timed out, so are the items,
--- for the same reason.
---
--- The items are those of a list, from 1 to `#list`; or what an iterator returns, until that is nil. An
--- iterator is a function, or a value that can be called, such as a channel; if it returns several values,
--- f gets them all. It runs in the task of the caller, and may wait. It is called only when one of the n
--- tasks has nothing to do: so at most n items have been drawn and have not ended.
---
--- f is copied for each of the n tasks, not for each item: what it leaves in its upvalues, the next item
--- of the same task finds there. Cheap items of a list are sent many at a time, and cost less than a task
--- each.
---
--- Raises if an item or a result cannot be sent, and names it.
---
--- ```lua
--- local function square(n) return n * n end
--- print(table.unpack(rt.map(4, { 1, 2, 3 }, square))) -- 1 4 9
--- local n = 0
--- local function next_number()
---   n = n + 1
---   return n <= 1000 and n or nil
--- end
--- print(rt.map(4, next_number, square)[1000]) -- 1000000
--- ```
---@async
---@param n integer|nil  at most so many at once; nil: the number of workers
---@param items any[]|fun(): ...  a list, or an iterator
---@param f function  a Lua function, or a C function that a module holds
---@return any[] results  the first result of each item; the field `n` has their number
function rt.map(n, items, f) end

--- As `rt.map`, without the results, which are not sent back.
---
--- ```lua
--- local sum = rt.dict()
--- rt.each(4, { 1, 2, 3 }, function(n) sum:incr("sum", n) end)
--- print(sum:get("sum")) -- 6
--- ```
---@async
---@param n integer|nil  at most so many at once; nil: the number of workers
---@param items any[]|fun(): ...  a list, or an iterator
---@param f function  a Lua function, or a C function that a module holds
function rt.each(n, items, f) end

--- Runs a function as a local task and waits for it.
---
--- ```lua
--- print(rt.run(function(n) return n + 1 end, 41)) -- 42
--- ```
---@async
---@param f function
---@param ... any  its arguments
---@return any ...  its results
function rt.run(f, ...) end

--- Runs a function as a pool task, as `rt.spawn` does, and waits for it. If the caller is cancelled or
--- timed out, the task is cancelled for the same reason, and has cleaned up when `rt.call` raises. If its
--- cleanup fails, that error is raised. (With `rt.spawn(f):join()` the task would go on.)
---
--- Raises as `rt.spawn` does if a value cannot be sent.
---
--- ```lua
--- print(rt.call(math.max, 3, 4)) -- 4
--- print(rt.timeout(0.05, rt.call, rt.sleep, 3600)) -- nil timeout
--- ```
---@async
---@param f function  a Lua function, or a C function that a module holds
---@param ... any  its arguments
---@return any ...  its results
function rt.call(f, ...) end

--- Sets the function that gets errors of failed tasks that no task joins. Without it, such an error is
--- written to stderr, with the task, where it was spawned and its traceback, and the exit code is 1.
--- The function gets the errors of tasks of this state and, in the main state, of pool tasks. It is
--- called in a task, when the handle of a failed task has been collected, when nobody has joined the task for
--- a second (`rt.configure { unjoined = … }`), or at the end of the program.
--- If it raises, or is ended before it returns, the error that it got is written to stderr. nil removes
--- the function.
---
--- ```lua
--- local errors = rt.channel()
--- rt.on_unhandled(function(err) errors:send(err) end)
--- rt.spawn_local(error, "broken", 0)
--- rt.yield()
--- collectgarbage() -- the handle is collected, so no task can join the failed task
--- print(errors:recv()) -- broken
--- ```
---@param f fun(err: any, task: rt.task, traceback: string)|nil  must be given, even if it is nil
function rt.on_unhandled(f) end

--- The traceback of the running function. If the error was raised in a task and passed on by a join, the
--- traceback of that task comes first. For message handlers of `xpcall`.
---
--- ```lua
--- local task = rt.spawn_local(function() error("broken") end)
--- local _, trace = xpcall(task.join, rt.traceback, task)
--- print(trace:find("in task " .. task.id, 1, true) ~= nil) -- true
--- ```
---@param err? any
---@param level? integer  default: 1
---@return string
function rt.traceback(err, level) end

--- Spawns tasks with a name, on a certain worker, with a priority. `name` is set before a task begins, as
--- `task.name` sets it.
---
--- - `worker`: tasks of the pool begin on this worker, 1 to `rt.workers()`, and on no other one, also if it
---   is stuck. Tasks of one worker share its globals and modules.
--- - `spread`: tasks of the pool begin on the worker that has the fewest tasks when they are spawned. Without
---   it, tasks that a pool task spawns are queued on its own worker, and go to others that have fewer.
--- - `priority`, of tasks of the pool and of `spawn_local`: a `"high"` one comes before the others that can
---   run, and has four of five slices of the time that is left for those that compute. An `"idle"` one runs
---   when no other task of its worker can, and for a slice (5 to 10 ms) every 0.2 s if others can. The tasks
---   that a task spawns do not inherit it. With `spawn_blocking` a `"high"` task gets the next free thread;
---   threads of the system all have the same priority.
---
--- Raises if an option is unknown or has a wrong value, or if both `worker` and `spread` are given.
---
--- ```lua
--- local statistics = rt.builder { name = "statistics", priority = "idle" }
--- local task = statistics:spawn(function() return rt.current().name end)
--- print(task:join()) -- statistics
---
--- rt.builder { worker = 1 }:spawn(function() counter = 1 end):join()
--- print(rt.builder { worker = 1 }:spawn(function() return counter end):join()) -- 1
--- ```
---@param options { name?: string, worker?: integer, spread?: boolean, priority?: "high"|"normal"|"idle" }
---@return rt.builder
function rt.builder(options) end

--- What `rt.builder` returns. It may be sent to other tasks.
---@class rt.builder
local builder = {}

--- As `rt.spawn`. Raises if there is no such worker.
---@param f function
---@param ... any  sent to the worker, as the upvalues of f are
---@return rt.task
function builder:spawn(f, ...) end

--- As `rt.spawn_local`.
---@param f function
---@param ... any
---@return rt.task
function builder:spawn_local(f, ...) end

--- As `rt.spawn_blocking`.
---@async
---@param f function
---@param ... any  sent to the thread, as the upvalues of f are
---@return rt.task
function builder:spawn_blocking(f, ...) end

--- The handle of a task. If the program drops it, the task still runs to its end. The handle of a pool
--- task may be sent to other tasks; that of a local task cannot.
---
--- ```lua
--- local task = rt.spawn_local(rt.sleep, 3600)
--- task.name = "sleeper"
--- rt.yield()
--- print(task.name, task:status()) -- sleeper waiting
--- print(task:cancel("not needed")) -- true
--- print(pcall(task.join, task)) -- false cancelled: not needed
--- print(task:status()) -- cancelled
--- ```
---@class rt.task
---@field id integer  unique in the process; cannot be set
---@field name string|nil  can be set; reports show it. It is cut at 255 bytes, and at a zero byte
local task = {}

--- Waits until the task has ended. Any number of tasks may join it, at any time. If the task failed, its
--- error is raised; if it was cancelled, an `rt.Cancelled`. Raises if the task is the one that calls, or
--- the main task. A task that is cancelled while it joins another one leaves that one running.
---@async
---@return any ...  the results of the task. Each joiner of a pool task gets a copy; a stream in the results goes to the first joiner
function task:join() end

--- An operation for `rt.select`: to join the task.
---
--- ```lua
--- local task = rt.spawn_local(function() return "done" end)
--- print(rt.select(task:join_op(), rt.sleep_op(5))) -- 1 done
--- ```
---@return rt.operation
function task:join_op() end

--- Cancels the task, and returns without waiting for its end. If the task has not begun, it never runs.
--- If it waits, the wait raises an `rt.Cancelled`, and so does each wait after that, so the task unwinds.
--- If it computes, the error is raised where it is. A task that catches the error and is still running a
--- second later is closed. If the cleanup of the task raises, the task ends as "failed" with that error,
--- and its traceback names the reason of the cancel.
---
--- Raises if the task is a pool task and the reason cannot be copied (a stream, a listener, a file).
---@param reason? any  the `reason` of the error
---@return boolean pending  false: the task had ended before
function task:cancel(reason) end

--- The status of the task: it has not begun ("queued"), runs or waits, or it has ended: it returned
--- ("done"), raised an error ("failed"), or was unwound by a cancel ("cancelled").
---@return "queued"|"running"|"waiting"|"done"|"failed"|"cancelled"
function task:status() end

--- The error that unwinds a cancelled task, and that a join of the task raises. Its text is
--- `cancelled: reason`.
---
--- ```lua
--- local task = rt.spawn_local(rt.sleep, 3600)
--- rt.yield()
--- task:cancel("not needed")
--- local _, err = pcall(task.join, task)
--- print(getmetatable(err) == rt.Cancelled, err.reason) -- true not needed
--- ```
---@class rt.Cancelled
---@field reason any  the argument of `task:cancel`; `"timeout"` inside an `rt.timeout`; `"the program has ended"`, `"the program is shut down"`, `"interrupted! (SIGTERM)"`
---@field source string|nil  what cancelled: the line that called `cancel`, as `file.lua:12`, or `rt.timeout`, `rt.scope`, `rt`; the name of a signal
---@field signal "SIGINT"|"SIGTERM"|nil  the signal, if one has cancelled the main chunk, or the local task that ran

--- The argument of the function of `rt.scope`.
---
--- ```lua
--- rt.scope(function(scope)
---   for i = 1, 3 do
---     scope:spawn(rt.sleep, 3600)
---   end
---   print(scope) -- rt.scope (open, 3 tasks)
---   scope:cancel("enough")
--- end, "settle")
--- print("all have ended") -- all have ended
--- ```
---@class rt.scope
local scope = {}

--- As `rt.spawn`; the task is a part of the scope. If the scope was cancelled, the task ends as cancelled
--- and does not run. Raises if the scope has ended.
---@param f function
---@param ... any  its arguments
---@return rt.task task
function scope:spawn(f, ...) end

--- As `rt.spawn_local`; the rest as `scope:spawn`.
---@param f function
---@param ... any  its arguments
---@return rt.task task
function scope:spawn_local(f, ...) end

--- Cancels the tasks of the scope, tasks that are added later, and the function of the scope.
---@param reason? any
function scope:cancel(reason) end

--- Waits for the next task of the scope that has ended, and returns its handle: each task once, in the
--- order in which they end, however they end. nil: all tasks have ended and were returned. Several tasks
--- may call it; they are served in the order of the calls.
---
--- With the policies other than `"settle"`, an end that cancels the other tasks also cancels the function
--- of the scope, and so its wait.
---
--- A scope that does not use `next` keeps 16,384 tasks that have ended, with their results; if more had
--- ended before the first call, it raises. One that uses `next` or `next_op` keeps them until it has
--- returned them. Call `next_op` before the tasks are spawned if there may be more.
---
--- ```lua
--- rt.scope(function(scope)
---   for n = 1, 3 do
---     scope:spawn(math.max, n, 2)
---   end
---   local sum = 0
---   for task in scope.next, scope do
---     sum = sum + task:join()
---   end
---   print(sum) -- 7
--- end)
--- ```
---@async
---@return rt.task|nil task
function scope:next() end

--- An operation for `rt.select`: to do what `scope:next` does.
---
--- ```lua
--- rt.scope(function(scope)
---   local task = scope:spawn(math.max, 1, 2)
---   local index, ended = rt.select(scope:next_op(), rt.sleep_op(5))
---   print(index, ended == task) -- 1 true
--- end)
--- ```
---@return rt.operation
function scope:next_op() end

--- The error that a scope or `rt.join` raises if several of its tasks failed. A task that joins a failed
--- task fails with the same error; that error is listed once.
---
--- Its text lists the errors. A table without `__tostring` is shown by its fields there, as in every report
--- of an error: `{code = 5, message = "no such file"}`, sorted, and at most 1000 bytes. If the program does
--- not handle the error, the report has the tracebacks as well, of the first 16 errors.
---
--- ```lua
--- local _, err = pcall(rt.scope, function(scope)
---   scope:spawn_local(error, "one", 0)
---   scope:spawn_local(error, { code = 2 })
--- end)
--- print(err.n, err.errors[1], err.errors[2].code) -- 2 one 2
--- print(err.traces[2]:match("^in task %d+, spawned at [^\n]+\nstack traceback:") ~= nil) -- true
--- print(tostring(err):match("2%. (.*)")) -- {code = 2}
--- ```
---@class rt.errors
---@field errors any[]
---@field traces string[]  for each error, the task that raised it, and its traceback
---@field n integer  the number of errors (an error may be nil)

-- ## Time

--- The time of a clock that never goes back. Its zero is any moment.
---
--- ```lua
--- local began = rt.now()
--- rt.sleep(0.05)
--- print(rt.now() - began >= 0.05) -- true
--- ```
---@return number seconds
function rt.now() end

--- Calls `f(...)` until it does not fail, with a pause before each further try, and returns its results.
--- f fails if it raises an error, or returns nil and an error as a second result. When there is to be no
--- other try, the last error is raised, or the last results are returned, as they are; the traceback of
--- the error says how many tries there were.
---
--- An `rt.Cancelled` is never retried: so a cancel or a timeout of the caller ends `rt.retry`, whether f
--- runs or it pauses. A timeout within f, which returns `nil, "timeout"`, is an error of that try.
---
--- Options:
--- - `tries`: how often f is called at most, `math.huge` for no limit. Default: 3.
--- - `backoff`: the seconds of the first pause; each further pause is twice as long, up to a minute. Or a
---   function, which gets the number of the try that failed and returns the seconds. Default: 0.1.
--- - `jitter`: which part of each pause is random, from 0 to 1. `true` is 1: from no pause to all of it, so
---   that tasks that have failed together do not try again together. Default: `true`.
--- - `when`: a function, which gets the error, the number of the try that failed, and what f has returned
---   behind the error; if it returns nil or false, there is no other try. It is not called after the last
---   try.
---
--- ```lua
--- local calls = 0
--- local function flaky()
---   calls = calls + 1
---   if calls < 3 then error("not yet") end
---   return "done"
--- end
--- print(rt.retry({ tries = 5, backoff = 0.001 }, flaky), calls) -- done 3
--- local function when(err) return not err:find("^ECONNREFUSED") end
--- print((rt.retry({ when = when }, rt.tcp.connect, "127.0.0.1", 1))) -- nil
--- ```
---@async
---@param options { tries?: integer, backoff?: number|(fun(n: integer): number), jitter?: boolean|number, when?: fun(err: any, n: integer, ...): boolean }
---@param f function
---@param ... any  its arguments
---@return any ...  the results of f
function rt.retry(options, f, ...) end

--- Waits at least so many seconds. 0 and less is `rt.yield()`; with `math.huge` the wait only ends by a
--- cancel. Raises if the argument is NaN.
---
--- ```lua
--- for i = 3, 1, -1 do
---   rt.spawn_local(function()
---     rt.sleep(i / 100)
---   end)
--- end
--- rt.sleep(0.05) -- the three sleep at the same time
--- ```
---@async
---@param seconds number
function rt.sleep(seconds) end

--- Ticks at regular intervals: `for tick in rt.interval(0.1) do`. The first tick is due at once, and
--- further ones every `period` seconds. The option `missed` says what follows a tick that was late: with
--- "burst" the missed ticks follow at once, with "delay" the next tick is due a period after the late one,
--- with "skip" the schedule stays and missed ticks are left out. If several tasks wait for the ticks of one
--- interval, each tick is of one task.
---
--- Raises if the period is not above 0 or not finite, or `missed` is not one of these.
---
--- ```lua
--- for tick in rt.interval(0.01) do
---   if tick == 3 then break end
--- end
--- local every = rt.interval(0.01, { missed = "skip" })
--- print(every(), every()) -- 1 2
--- ```
---@param period number  seconds, above 0
---@param options? { missed?: "burst"|"delay"|"skip" }  default: "burst"
---@return rt.interval
function rt.interval(period, options) end

--- A call of the interval waits for the next tick, and returns its number: 1, 2, 3 … A wait that is
--- cancelled takes no tick.
---@class rt.interval
---@overload fun(): integer
local interval = {}

--- An operation for `rt.select`: to wait for the next tick and take it. Its result is the number of the
--- tick.
---
--- ```lua
--- local every, quit = rt.interval(60), rt.channel()
--- print(rt.select(every:tick_op(), quit:recv_op())) -- 1 1
--- ```
---@return rt.operation
function interval:tick_op() end

--- Runs f, for at most so many seconds. If f ends in time, its results are returned or its error is
--- raised. If not, f is unwound where it waits or computes, and each of its waits raises from then on;
--- when it has unwound, `nil, "timeout"` is returned. Timeouts can be nested; the earliest counts. A C
--- function that does not return, and a finalizer, cannot be interrupted. Code that computes is not
--- interrupted between the return of a function and the assignment of its result to a `<close>` variable,
--- nor in a `__close` before it has computed for 100 ms more (promise G30 says what is not covered).
---
--- If f may itself return `nil, "timeout"`, as when it passes on what another timeout returned, or if nil is
--- one of its results, use `rt.within`, whose first result says which it was.
---
--- ```lua
--- print(rt.timeout(1, function() return "in time" end)) -- in time
--- print(rt.timeout(0.05, rt.sleep, 3600)) -- nil timeout
--- print(rt.timeout(0.05, function() while true do end end)) -- nil timeout
--- ```
---@async
---@param seconds number
---@param f function
---@param ... any  its arguments
---@return any ...  its results, or nil
---@return "timeout"|nil
function rt.timeout(seconds, f, ...) end

--- As `rt.timeout`, but the first result says whether f has ended in time, as that of `pcall` does. Errors of
--- f are raised.
---
--- ```lua
--- local function inner() return rt.timeout(0.01, rt.sleep, 3600) end
--- print(rt.within(5, inner)) -- true nil timeout
--- print(rt.within(0.01, rt.sleep, 3600)) -- false timeout
--- ```
---@async
---@param seconds number
---@param f function
---@param ... any  its arguments
---@return boolean in_time
---@return any ...  the results of f, or "timeout"
function rt.within(seconds, f, ...) end

--- Runs f. A cancel or timeout from outside of the call takes effect when f has ended, or when so many
--- seconds have passed. For cleanup that has to wait.
---
--- ```lua
--- local log = rt.channel()
--- local task = rt.spawn_local(function()
---   pcall(rt.sleep, 3600)
---   rt.shield(1, log.send, log, "cleaned up") -- without the shield, send would raise
--- end)
--- rt.yield()
--- task:cancel()
--- print(log:recv()) -- cleaned up
--- ```
---@async
---@param seconds number  may be left out: until f has ended
---@param f function
---@param ... any  its arguments
---@return any ...  its results
---@overload fun(f: function, ...): ...
function rt.shield(seconds, f, ...) end

--- Runs f without preemption: a pool task is not switched in it, however long it computes, and no cancel
--- or timeout is raised between two instructions. A wait in f is a wait like any other. For invariants in
--- globals and modules, which the tasks of a worker share. Keep f short.
---
--- ```lua
--- total = 0 -- a global: each worker has its own
--- local function add(n)
---   total = (total or 0) + n
---   return total
--- end
--- print(rt.spawn(rt.critical, add, 5):join(), total) -- 5 0
--- ```
---@async
---@param f function
---@param ... any  its arguments
---@return any ...  its results
function rt.critical(f, ...) end

-- ## Channels and dicts

--- Makes a channel: a queue of messages between tasks of any workers. Values are copied, or move, as by
--- `rt.spawn`. The messages of one sender keep their order. Of several tasks that wait, the one that has
--- waited longest is served first. A channel that is sent to another task is the same channel there.
---
--- The option `bytes` bounds the bytes of the messages that the channel holds, as well as their number: a
--- message counts as it is packed for the way, 16 bytes and its values: a string of 80 bytes takes 98. A send
--- waits until there is room for its message, and those that come later wait behind it, also if theirs are
--- smaller. A message that is larger than the bound has room when the channel is empty.
---
--- A channel is freed with its messages when no state refers to it, and no message that could still be read.
--- So are channels, dicts, mutexes, watches and broadcasts that only hold each other (two channels, each in a
--- message of the other). Two limits: only 128 objects and 1,024 values and references are looked at when a
--- reference is dropped, so a cycle among more is not freed. Nor is one that goes through the value of an
--- `rt.once` or the result of a task.
---
--- ```lua
--- local results = rt.channel(10)
--- rt.spawn(function()
---   for i = 1, 3 do results:send(i, i * i) end
---   results:close()
--- end)
--- for i, square in results:iter() do
---   print(i, square) -- 1 1; 2 4; 3 9
--- end
--- ```
---@param capacity? integer  how many messages it holds, from 0 (each send waits for a receiver) to 2^30; default: 1024
---@param options? { bytes?: integer }  how many bytes these have, from 1; default: `math.huge` (no bound)
---@return rt.channel
function rt.channel(capacity, options) end

--- `#channel` is the number of messages that it holds at the moment. `__close` closes it.
---
--- ```lua
--- local channel = rt.channel(1)
--- print(channel:try_recv()) -- nil empty
--- print(channel:send("one")) -- true
--- print(channel:try_send("two")) -- nil full
--- channel:close()
--- print(channel:send("two")) -- nil closed
--- print(channel:recv()) -- one
--- print(channel:recv()) -- nil closed
--- local log = rt.channel(1000, { bytes = 100 })
--- print(log:send(("x"):rep(80)), log:try_send(("y"):rep(80))) -- true nil full
--- ```
---@class rt.channel
---@overload fun(): ...
---@operator len: integer
local channel = {}

--- Sends a message of any number of values. Waits while the channel is full. Streams and listeners in the
--- message move; if the wait is cancelled, they move back.
---
--- Raises if a value cannot be sent.
---@async
---@param ... any
---@return true|nil sent
---@return "closed"|nil why
function channel:send(...) end

--- As `channel:send`, without waiting. If the message is not sent, its streams and listeners do not move.
---@param ... any
---@return true|nil sent
---@return "full"|"closed"|nil why
function channel:try_send(...) end

--- Receives a message. Waits while the channel is empty and open.
---@async
---@return any ...  the values of the message; `nil, "closed"` if the channel is closed and empty
function channel:recv() end

--- As `channel:recv`, without waiting.
---@return any ...  the values of the message; or `nil, "empty"`, or `nil, "closed"`
function channel:try_recv() end

--- An operation for `rt.select`: to send these values. They are copied when `rt.select` is called. Its
--- results are those of `channel:send`.
---
--- ```lua
--- local channel = rt.channel()
--- print(rt.select(channel:send_op("a message"), rt.sleep_op(1))) -- 1 true
--- ```
---@param ... any
---@return rt.operation
function channel:send_op(...) end

--- An operation for `rt.select`: to receive a message. Its results are those of `channel:recv`.
---
--- ```lua
--- local channel = rt.channel()
--- print(rt.select(channel:recv_op(), rt.default_op())) -- 2
--- ```
---@return rt.operation
function channel:recv_op() end

--- For loops: `for a, b in channel:iter() do`, or `for a, b in channel do`. The loop ends when the channel is
--- closed and empty, and at nothing else: a message that begins with nil, which a loop of Lua cannot have,
--- raises an error. (Receive such messages with `recv`.)
---
--- ```lua
--- local channel = rt.channel()
--- channel:send(1)
--- channel:send(2)
--- channel:close()
--- local sum = 0
--- for n in channel do sum = sum + n end
--- print(sum) -- 3
--- ```
---@return fun(): ...
function channel:iter() end

--- Closes the channel. From then on sends fail, those that wait too; messages that it holds can still be
--- received. A second call does nothing.
function channel:close() end

--- Makes a dict: a map that the tasks of all workers share. Keys are strings, numbers and booleans, and
--- are equal as in Lua. Values are copied in and copied out. A dict that is sent to another task is the
--- same dict there; it exists as long as one of its references.
---
--- An operation on one key is atomic, and all tasks see these operations in the same order; `keys`, `count`
--- and `clear` go through the dict part by part. No operation waits, except for the function of `update`.
---
--- A dict is full at `max_entries` entries or `max_bytes` bytes. If `when_full` is "fail", operations that
--- would add to it fail then; if it is "evict", they remove the entries that were not used for the longest
--- time.
---
--- Raises if an option is unknown or has a wrong value.
---
--- ```lua
--- local visits = rt.dict { max_entries = 10000, when_full = "evict" }
--- local function visit(name) return visits:incr(name) end
--- rt.spawn(visit, "home"):join()
--- print(rt.spawn(visit, "home"):join(), #visits) -- 2 1
--- ```
---@param options? { max_entries?: integer, max_bytes?: integer, when_full?: "fail"|"evict" }  default: `math.huge` (no limit), 256 MiB, "fail"
---@return rt.dict
function rt.dict(options) end

--- `#dict` is the number of entries at the moment.
---
--- A key that is NaN or longer than 1 GiB raises an error, and so does a value that cannot be copied (a
--- stream, a listener, a file).
---
--- ```lua
--- local dict = rt.dict()
--- print(dict:set("name", { first = "Ada" }), dict:get("name").first) -- true Ada
--- print(dict:add("name", "Bob"), dict:replace("name", "Bob"), dict:get("name")) -- false true Bob
--- print(dict:cas("name", "Bob", "Eve"), dict:cas("name", "Bob", nil)) -- true false
--- print(dict:update("name", string.upper)) -- EVE
--- print(dict:incr("visits"), dict:incr("visits", 10), dict:incr("name")) -- 1 11 nil not a number
--- print(dict:expire("visits", 60), dict:ttl("name")) -- true inf
--- print(#dict:keys(), (dict:count())) -- 2 2
--- print(dict:delete("name"), dict:delete("name")) -- true false
--- dict:clear()
--- print(#dict, dict:get("visits")) -- 0 nil
--- ```
---@class rt.dict
---@operator len: integer
local dict = {}

--- The value of a key. A table is a new copy at each call.
---@param key string|number|boolean
---@return any value  nil: there is none
function dict:get(key) end

--- Sets the value of a key; nil deletes it.
---@param key string|number|boolean
---@param value any
---@param seconds? number  until the value expires (0 and less: it has); default: it does not expire
---@return true|nil done
---@return "full"|nil why
function dict:set(key, value, seconds) end

--- As `dict:set`, if the key has no value.
---@param key string|number|boolean
---@param value any
---@param seconds? number  until the value expires (0 and less: it has); default: it does not expire
---@return boolean|nil done  false: the key has a value
---@return "full"|nil why
function dict:add(key, value, seconds) end

--- As `dict:set`, if the key has a value.
---@param key string|number|boolean
---@param value any
---@param seconds? number  until the value expires (0 and less: it has); default: it does not expire
---@return boolean|nil done  false: the key has no value
---@return "full"|nil why
function dict:replace(key, value, seconds) end

--- Deletes a key.
---@param key string|number|boolean
---@return boolean done  false: the key had no value
function dict:delete(key) end

--- Adds to the number that a key has. The time when it expires stays.
---@param key string|number|boolean
---@param delta? number  default: 1
---@param initial? number  the number to add to if the key has no value; default: 0
---@return number|nil value  the sum
---@return "not a number"|"full"|nil why
function dict:incr(key, delta, initial) end

--- Compares and swaps: sets the value of a key if its present value equals `expected`. nil means no value,
--- in both. Tables and functions are equal if their copies have the same bytes. The time when the value
--- expires stays.
---@param key string|number|boolean
---@param expected any
---@param value any
---@return boolean|nil done  false: the present value is a different one
---@return "full"|nil why
function dict:cas(key, expected, value) end

--- Sets the value of a key to the result of `f(value, ...)`; nil deletes it. If another task changes the
--- value meanwhile, f is called again with the new value, so it should have no other effect. f may wait.
--- If f raises, the value stays, and the error is raised. The time when the value expires stays.
---@async
---@param key string|number|boolean
---@param f fun(value: any, ...): any
---@param ... any  further arguments of f
---@return any value  the new value
---@return "full"|nil why
function dict:update(key, f, ...) end

--- When the value of a key expires.
---@param key string|number|boolean
---@return number|nil seconds  from now; `math.huge`: never; nil: the key has no value
function dict:ttl(key) end

--- Sets when the value of a key expires.
---@param key string|number|boolean
---@param seconds number  from now (0 and less: the value is removed); `math.huge`: never
---@return boolean done  false: the key has no value
function dict:expire(key, seconds) end

--- The keys, in any order. A key that has a value from the beginning of the call to its end is listed
--- once.
---@param limit? integer  how many keys at most
---@return (string|number|boolean)[]
function dict:keys(limit) end

--- The size of the dict.
---@return integer entries
---@return integer bytes  as `max_bytes` counts
function dict:count() end

--- Deletes all keys.
function dict:clear() end

-- ## Select

--- Does exactly one of several operations, and waits until one of them can be done. The others have no
--- effect. If several can be done, each has the same chance.
---
--- Raises if there is no operation, or more than 1000.
---
--- ```lua
--- local messages, quit = rt.channel(), rt.channel()
--- rt.spawn(function() messages:send("hello") end)
--- print(rt.select(quit:recv_op(), messages:recv_op(), rt.sleep_op(5))) -- 2 hello
--- ```
---@async
---@param ... rt.operation
---@return integer index  the position of the operation that was done
---@return any ...  its results, or what the function of `op:map` makes of them
function rt.select(...) end

--- As `rt.select`; but if several operations can be done, the first of them is done.
---
--- ```lua
--- local high, low = rt.channel(), rt.channel()
--- low:send("later")
--- high:send("now")
--- print(rt.select_biased(high:recv_op(), low:recv_op())) -- 1 now
--- ```
---@async
---@param ... rt.operation
---@return integer index  the position of the operation that was done
---@return any ...  its results
function rt.select_biased(...) end

--- An operation for `rt.select`: to wait for so many seconds, counted from the call of `rt.select`. It has
--- no results.
---
--- ```lua
--- print(rt.select(rt.channel():recv_op(), rt.sleep_op(0.05))) -- 2
--- ```
---@param seconds number
---@return rt.operation
function rt.sleep_op(seconds) end

--- An operation for `rt.select` that is done if no other one can be done at once. With it, `rt.select`
--- does not wait. It has no results.
---
--- ```lua
--- print(rt.select(rt.channel():recv_op(), rt.default_op())) -- 2
--- ```
---@return rt.operation
function rt.default_op() end

--- What `rt.select` chooses from: `channel:recv_op()`, `channel:send_op(...)`, `task:join_op()`,
--- `scope:next_op()`, `stream:recv_op()`, `listener:accept_op()`, `mutex:lock_op()`,
--- `semaphore:acquire_op(n)`, `limiter:acquire_op(n)`, `notify:wait_op()`, `watcher:recv_op()`,
--- `subscriber:recv_op()`, `interval:tick_op()`, `rt.sleep_op(seconds)`, `rt.default_op()`. An operation is
--- a value that may be selected any number of times. It cannot be sent to another state.
---@class rt.operation
local operation = {}

--- The same operation, with what to do with its results: if it is the one that is done, `rt.select` calls f
--- with them, and returns its position and what f returns. The other operations have been withdrawn by
--- then, so f may wait, and an error of f is raised by `rt.select`.
---
--- ```lua
--- local names, numbers = rt.channel(1), rt.channel(1)
--- local name = names:recv_op():map(string.upper)
--- local number = numbers:recv_op():map(function(n) return "number " .. n end)
--- names:send("ada")
--- print(rt.select(name, number)) -- 1 ADA
--- numbers:send(7)
--- print(select(2, rt.select(name, number))) -- number 7
--- ```
---@param f function
---@return rt.operation
function operation:map(f) end

-- ## Locks, signals and shared values

--- Makes a mutex: a lock for tasks of any workers, and a value that it guards. Of several tasks that wait,
--- the one that has waited longest gets the lock first. A lock belongs to the task that took it, until
--- that task unlocks it, closes the guard, or ends, in whatever way. A guard that was forgotten gives the
--- lock back when it is collected; so keep the guard as long as you need the lock. (That may be late: a
--- worker that waits does not collect, unless nothing can run any more.) The value is copied in and copied
--- out.
---
--- `with` is for tables, on which the function works; `update` for values that the function replaces.
---
--- ```lua
--- local total = rt.mutex(0)
--- local function add(n)
---   total:update(function(value) return value + n end)
--- end
--- local seen = rt.mutex { n = 0 }
--- local function see(name)
---   return seen:with(function(value)
---     value[name], value.n = true, value.n + 1
---     return value.n
---   end)
--- end
--- rt.join(rt.spawn(add, 1), rt.spawn(add, 2))
--- print(total:lock():get(), see("a"), see("b")) -- 3 1 2
--- ```
---@param value? any
---@return rt.mutex
function rt.mutex(value) end

--- A task that locks a mutex that it holds already gets the error "deadlock: this task holds the mutex
--- already".
---
--- ```lua
--- local mutex = rt.mutex { n = 1 }
--- do
---   local guard <close> = mutex:lock()
---   guard:set { n = guard:get().n + 1 }
---   print(rt.spawn_local(function() return mutex:try_lock() end):join()) -- nil locked
--- end
--- print(mutex:try_with(function(value) return value.n end)) -- true 2
--- ```
---@class rt.mutex
local mutex = {}

--- Locks the mutex, runs `f(value, ...)` and unlocks it. The function works on a copy of the value, and what
--- it leaves there is the new value. What f returns is returned. A value that is no table can only be
--- replaced: by `mutex:update`, `guard:set`.
---
--- If f raises, or leaves what cannot be sent, the error is raised, and the value is what it was before.
---@async
---@param f function
---@param ... any
---@return any ...
function mutex:with(f, ...) end

--- Locks the mutex, runs `f(value, ...)` and unlocks it. The first result of f is the new value (nil is a
--- value). What f returns is returned. If f raises, or returns nothing, an error is raised, and the value is
--- what it was before.
---
--- ```lua
--- local count = rt.mutex(0)
--- print(count:update(function(n) return n + 1, n end)) -- 1 0
--- print(count:try_update(math.max, 5)) -- true 5
--- ```
---@async
---@param f function
---@param ... any
---@return any ...
function mutex:update(f, ...) end

--- As `mutex:with`, if the mutex is not locked.
---@param f function
---@param ... any
---@return true|nil done  nil: the mutex is locked
---@return any ...  what f returns; or "locked"
function mutex:try_with(f, ...) end

--- As `mutex:update`, if the mutex is not locked.
---@param f function
---@param ... any
---@return true|nil done  nil: the mutex is locked
---@return any ...  what f returns; or "locked"
function mutex:try_update(f, ...) end

--- Locks the mutex, and waits for that. `local guard <close> = mutex:lock()` unlocks it at the end of the
--- block; `guard:unlock()` and `mutex:unlock()` do so at any time. If the guard is not kept in a variable, it
--- may be collected at any moment, and then the mutex is unlocked.
---@async
---@return rt.guard
function mutex:lock() end

--- Locks the mutex, if it is not locked.
---@return rt.guard|nil guard  nil: the mutex is locked
---@return "locked"|nil why
function mutex:try_lock() end

--- An operation for `rt.select`: to lock the mutex. Its result is a guard.
---
--- ```lua
--- local mutex = rt.mutex()
--- local index, guard = rt.select(mutex:lock_op(), rt.sleep_op(1))
--- print(index, guard) -- 1 rt.guard (locked)
--- guard:unlock()
--- ```
---@return rt.operation
function mutex:lock_op() end

--- Unlocks the mutex. Raises if the task does not hold it.
function mutex:unlock() end

--- A mutex that a task has locked. `__close` unlocks it, and so does the garbage collector. The methods raise
--- if the guard has unlocked it already.
---
--- ```lua
--- local guard = rt.mutex("old"):lock()
--- guard:set("new")
--- print(guard:get()) -- new
--- guard:unlock()
--- ```
---@class rt.guard
local guard = {}

--- A copy of the value of the mutex.
---@return any
function guard:get() end

--- Sets the value of the mutex to a copy of this one.
---@param value any
function guard:set(value) end

--- Unlocks the mutex.
function guard:unlock() end

--- Makes a semaphore: a number of permits. Tasks that wait get permits in the order in which they came: a
--- task that waits for many is not overtaken by later ones that want few. `acquire` and `release` only
--- count, and any task may release; `with` and `permit` give their permits back by themselves.
---
--- There are never more permits than its size: a `release` of permits that no task has taken is a mistake,
--- and raises. A semaphore that begins with no permits has no size, unless one is given: with it, tasks count
--- what has happened.
---
--- ```lua
--- local limit = rt.semaphore(2) -- at most two at the same time
--- local function work(i) return limit:with(function() return i * i end) end
--- print(rt.join(rt.spawn(work, 2), rt.spawn(work, 3), rt.spawn(work, 4))) -- 4 9 16
--- print(pcall(limit.release, limit)) -- false too many permits: the semaphore has 2 at most
--- local done = rt.semaphore(0) -- counts what is done
--- for _ = 1, 3 do rt.spawn(done.release, done) end
--- print(done:acquire(3)) -- true
--- ```
---@param n integer  permits at the beginning, from 0 to 2^53
---@param size? integer  how many there are at most, from 1 and n to 2^53, or `math.huge`; default: n, or no limit if n is 0
---@return rt.semaphore
function rt.semaphore(n, size) end

--- `#semaphore` is the number of permits at the moment.
---
--- ```lua
--- local semaphore = rt.semaphore(3)
--- print(semaphore:acquire(2), semaphore:available(), semaphore:try_acquire(2)) -- true 1 nil no permits
--- semaphore:release(2)
--- do
---   local permit <close> = semaphore:permit(3)
---   print(semaphore:available()) -- 0
--- end
--- print(#semaphore) -- 3
--- ```
---@class rt.semaphore
---@operator len: integer
local semaphore = {}

--- Takes n permits, and waits until there are so many.
---@async
---@param n? integer  from 1 to 2^31 - 1; default: 1
---@return true
function semaphore:acquire(n) end

--- Takes n permits, if there are so many and no task waits for permits.
---@param n? integer  default: 1
---@return true|nil done
---@return "no permits"|nil why
function semaphore:try_acquire(n) end

--- An operation for `rt.select`: to take n permits.
---
--- ```lua
--- local semaphore = rt.semaphore(1)
--- print(rt.select(semaphore:acquire_op(2), rt.sleep_op(0.05))) -- 2
--- ```
---@param n? integer  default: 1
---@return rt.operation
function semaphore:acquire_op(n) end

--- Adds n permits. Raises if there would be more than the size of the semaphore.
---@param n? integer  default: 1
function semaphore:release(n) end

--- Takes n permits, as `semaphore:acquire`, and returns an object that gives them back when it is closed,
--- released or collected: `local permit <close> = semaphore:permit()`.
---@async
---@param n? integer  default: 1
---@return rt.permit
function semaphore:permit(n) end

--- Runs `f(...)` with one permit, and gives the permit back.
---@async
---@param f function
---@param ... any  its arguments
---@return any ...  its results
function semaphore:with(f, ...) end

--- The number of permits at the moment, as `#semaphore`.
---@return integer n
function semaphore:available() end

--- Permits that were taken. `__close` gives them back.
---
--- ```lua
--- local semaphore = rt.semaphore(1)
--- local permit = semaphore:permit()
--- permit:release()
--- print(pcall(permit.release, permit)) -- false the permit has been released
--- ```
---@class rt.permit
local permit = {}

--- Gives the permits back. Raises if they have been given back.
function permit:release() end

--- Makes a limiter: tokens that come at a rate, for tasks of any workers. A task takes one for each thing
--- that it does, and waits if there is none. Tasks get theirs in the order in which they came: a task that
--- wants many is not overtaken. In the long run the rate is exact; what is lost are only the tokens that
--- come when there are `burst` of them and no task waits. The limiter may be sent to other tasks.
---
--- Options:
--- - `rate`: tokens in a second, above 0; may be a fraction.
--- - `burst`: how many there are at first, and at most: so many may be taken at once. Default: 1.
---
--- ```lua
--- local limiter = rt.limiter { rate = 100, burst = 10 } -- 10 at once, then 100 a second
--- rt.each(4, { 1, 2, 3 }, function()
---   limiter:acquire()
--- end)
--- print(limiter:try_acquire(7), limiter:try_acquire(7)) -- true nil no tokens
--- ```
---@param options { rate: number, burst?: integer }
---@return rt.limiter
function rt.limiter(options) end

--- ```lua
--- local limiter = rt.limiter { rate = 0.001, burst = 5 }
--- print(limiter:acquire(2), limiter:available(), limiter:try_acquire(4)) -- true 3 nil no tokens
--- ```
---@class rt.limiter
local limiter = {}

--- Takes n tokens, and waits until there are so many. A wait that is cancelled takes none. Raises if n is
--- more than `burst`.
---@async
---@param n? integer  default: 1
---@return true
function limiter:acquire(n) end

--- Takes n tokens if they are there and no task waits for tokens.
---@param n? integer  default: 1
---@return true|nil done
---@return "no tokens"|nil why
function limiter:try_acquire(n) end

--- An operation for `rt.select`: to take n tokens.
---
--- ```lua
--- local limiter = rt.limiter { rate = 0.001 }
--- limiter:acquire()
--- print(rt.select(limiter:acquire_op(), rt.sleep_op(0.01))) -- 2
--- ```
---@param n? integer  default: 1
---@return rt.operation
function limiter:acquire_op(n) end

--- The number of tokens that `try_acquire` can take at the moment; 0 while a task waits.
---@return integer
function limiter:available() end

--- Makes a notify: it wakes tasks of any workers, without a value.
---
--- ```lua
--- local ready = rt.notify()
--- local task = rt.spawn(function() return ready:wait() end)
--- ready:notify_one() -- is remembered if the task does not wait yet
--- print(task:join()) -- true
--- ```
---@return rt.notify
function rt.notify() end

---@class rt.notify
local notify = {}

--- Waits for a notification.
---@async
---@return true
function notify:wait() end

--- An operation for `rt.select`: to wait for a notification.
---
--- ```lua
--- local stop = rt.notify()
--- stop:notify_one()
--- print(rt.select(stop:wait_op(), rt.sleep_op(5))) -- 1 true
--- ```
---@return rt.operation
function notify:wait_op() end

--- Wakes the task that has waited longest. If no task waits, the next one that does will not wait. (One
--- such notification is remembered, not several.)
function notify:notify_one() end

--- Wakes all tasks that wait now.
---
--- ```lua
--- local go = rt.notify()
--- local a, b = rt.spawn_local(go.wait, go), rt.spawn_local(go.wait, go)
--- rt.yield() -- both wait
--- go:notify_all()
--- print(rt.join(a, b)) -- true true
--- ```
function notify:notify_all() end

--- Makes a barrier: n tasks, of any workers, wait for each other, round after round.
---
--- ```lua
--- local barrier, leaders = rt.barrier(2), 0
--- local function work()
---   if barrier:wait() then leaders = leaders + 1 end
--- end
--- rt.join(work, work)
--- print(leaders) -- 1
--- ```
---@param n integer  from 1 to 2^30
---@return rt.barrier
function rt.barrier(n) end

--- A barrier has no operation for `rt.select`: the last task to arrive must be sure that all others
--- continue.
---@class rt.barrier
local barrier = {}

--- Waits until n tasks wait. A task whose wait is cancelled does not count.
---@async
---@return boolean leader  true for one task of each round
function barrier:wait() end

--- Makes a once: a value that the first task that needs it computes, for all tasks.
---
--- ```lua
--- local config = rt.once()
--- local function load() return { port = 80 } end
--- local function port() return config:get(load).port end
--- print(rt.join(rt.spawn(port), rt.spawn(port))) -- 80 80
--- ```
---@return rt.once
function rt.once() end

---@class rt.once
local once = {}

--- The first call runs `f(...)`; calls that come meanwhile wait. All get copies of its results, later calls
--- too. If f raises, the call that ran it gets the error, and the next call runs its own function.
---
--- Raises if f calls the method of the same once.
---@async
---@param f function
---@param ... any  its arguments
---@return any ...
function once:get(f, ...) end

--- Makes a watch: a value that tasks of any workers read and set, and whose changes they can wait for. The
--- value is copied in and copied out.
---
--- ```lua
--- local config = rt.watch("first")
--- local watcher = config:subscribe()
--- rt.spawn(function() config:set("second") end)
--- print(watcher:recv(), config:get()) -- second second
--- ```
---@param ... any  the value; usually one, but several are allowed
---@return rt.watch
function rt.watch(...) end

--- `__close` closes it.
---
--- ```lua
--- local watch = rt.watch(1)
--- local task = rt.spawn_local(function() return watch:changed() end)
--- rt.yield() -- the task waits
--- print(watch:set(2), task:join()) -- true 2
--- watch:close()
--- print(watch:set(3)) -- nil closed
--- print(watch:get()) -- 2
--- ```
---@class rt.watch
local watch = {}

--- The value.
---@return any ...
function watch:get() end

--- Sets the value, and wakes the tasks that wait for a new one.
---@param ... any
---@return true|nil
---@return "closed"|nil why
function watch:set(...) end

--- The version of the value: 1 for that of `rt.watch`, and one more each time when it is set.
---@return integer
function watch:version() end

--- Waits until the value is newer than a version, and returns it; if it is already, at once. So a value that
--- is set between `get` and `changed` is not missed, if the version was asked for before `get`. Without a
--- version, waits until the value is set the next time.
---
--- Raises if the watch has never had this version.
---
--- ```lua
--- local config = rt.watch("a")
--- local version = config:version() -- first this
--- local value = config:get()
--- config:set("b") -- meanwhile
--- print(value, config:changed(version)) -- a b
--- ```
---@async
---@param version? integer  0: any value is newer
---@return any ...  `nil, "closed"`: the watch is closed, and the value is not newer
function watch:changed(version) end

--- Makes a watcher, which has seen the present value, or that of a version.
---@param version? integer  default: the present one
---@return rt.watcher
function watch:subscribe(version) end

--- Closes the watch: the value stays, sets fail, and no task waits for a new value.
function watch:close() end

--- A watcher knows which value it has seen last. It may be sent to another task; tasks that share a
--- watcher share what it has seen. `__close` closes it.
---
--- ```lua
--- local watch = rt.watch(1)
--- local watcher = watch:subscribe()
--- watch:set(2)
--- watch:set(3)
--- print(rt.select(watcher:recv_op(), rt.default_op())) -- 1 3
--- print(watcher:try_recv()) -- nil empty
--- rt.spawn_local(function()
---   watch:set(4)
---   watch:close()
--- end)
--- for value in watcher do
---   print(value) -- 4
--- end
--- watcher:close()
--- print(watcher:recv()) -- nil closed
--- ```
---@class rt.watcher
---@overload fun(): ...
local watcher = {}

--- Waits for a value that the watcher has not seen, and returns it. Of several new values only the latest
--- is returned.
---@async
---@return any ...  `nil, "closed"`: the watch or the watcher is closed
function watcher:recv() end

--- As `watcher:recv`, without waiting.
---@return any ...  the same, or `nil, "empty"`: there is no new value
function watcher:try_recv() end

--- An operation for `rt.select`: as `watcher:recv`.
---@return rt.operation
function watcher:recv_op() end

--- For loops: `for value in watcher:iter() do`, or `for value in watcher do`, until the watch or the watcher
--- is closed. A value that begins with nil raises an error, as in `channel:iter`.
---@return fun(): ...
function watcher:iter() end

--- Closes the watcher: it gets no further values.
function watcher:close() end

--- Makes a broadcast: each of its subscribers gets each message. A send never waits. The last messages are
--- kept, as many as the capacity; a subscriber that is slower loses the oldest ones, and its next receive
--- says how many.
---
--- ```lua
--- local news = rt.broadcast(16)
--- local function first(subscriber) return subscriber:recv() end
--- local a, b = rt.spawn(first, news:subscribe()), rt.spawn(first, news:subscribe())
--- news:send("hello")
--- print(rt.join(a, b)) -- hello hello
--- ```
---@param capacity integer  from 1 to 2^20
---@return rt.broadcast
function rt.broadcast(capacity) end

--- `__close` closes it.
---@class rt.broadcast
local broadcast = {}

--- Sends a message of any number of values.
---
--- Raises if a value cannot be copied.
---@param ... any
---@return true|nil
---@return "closed"|nil why
function broadcast:send(...) end

--- Makes a subscriber, which gets the messages that are sent from then on.
---@return rt.subscriber
function broadcast:subscribe() end

--- Closes the broadcast: sends fail; messages that are kept can still be received.
function broadcast:close() end

--- A subscriber may be sent to another task; tasks that share one share its messages. `__close` closes it.
---
--- ```lua
--- local news = rt.broadcast(2)
--- local subscriber = news:subscribe()
--- for i = 1, 3 do news:send(i) end
--- print(subscriber:recv()) -- nil lagged 1
--- print(subscriber:recv(), subscriber:try_recv()) -- 2 3
--- print(subscriber:try_recv()) -- nil empty
--- news:close()
--- print(rt.select(subscriber:recv_op())) -- 1 nil closed
--- subscriber:close()
--- ```
---@class rt.subscriber
---@overload fun(): ...
local subscriber = {}

--- Waits for the next message.
---@async
---@return any ...  the values of the message; `nil, "lagged", n`: n messages are lost, and the next call returns the oldest one that is kept; `nil, "closed"`: there will be none
function subscriber:recv() end

--- As `subscriber:recv`, without waiting.
---@return any ...  the same, or `nil, "empty"`: there is none yet
function subscriber:try_recv() end

--- An operation for `rt.select`: as `subscriber:recv`.
---@return rt.operation
function subscriber:recv_op() end

--- For loops: `for a, b in subscriber:iter() do`, or `for a, b in subscriber do`, until the broadcast or the
--- subscriber is closed. Messages that are lost are passed over without a word. A message that begins with
--- nil raises an error, as in `channel:iter`.
---
--- ```lua
--- local news = rt.broadcast(2)
--- local subscriber = news:subscribe()
--- for i = 1, 3 do news:send(i, i * i) end
--- news:close()
--- for i, square in subscriber do
---   print(i, square) -- 2 4; 3 9
--- end
--- ```
---@return fun(): ...
function subscriber:iter() end

--- Closes the subscriber: it gets no further messages.
function subscriber:close() end

-- ## The runtime

--- Sets options of the runtime, in the main state, before the first spawn.
---
--- - `workers`: how many workers the pool has, from 1 to 256. Default: `RT_WORKERS` in the environment, or
---   as many as the CPUs that the process may use. Also `rt-lua --workers N`.
--- - `blocking`: how many threads `rt.spawn_blocking` has at most, from 1 to 256. Default: `RT_BLOCKING` in
---   the environment, or 64.
--- - `stall`: a task that has been in one C function for so many seconds, and so has kept the other tasks of
---   its worker waiting, is reported on stderr, and again when the function returns, with the traceback
---   where it can be known: if the function computed, or waited for a process, a pipe or a file, but not
---   for a socket or for time to pass. Each task is reported once, and once more for each other place that
---   can be known. `false` or 0: no reports. Default: 0.1. Before the first spawn, without this option, no
---   thread watches the main state: then (on Linux) a local task that was in calls that block is reported
---   afterwards, once, with what it waits in by then. Not reported are Lua code, calls of the main chunk,
---   tasks of `rt.spawn_blocking`, and threads that get no CPU. If all threads of `rt.spawn_blocking` are
---   busy, and a task has waited for one for a second (or for this time, if it is longer), that is said
---   once, with the tasks they run. (Under a hook of `debug.sethook` all code is taken for C, and has no
---   traceback. With `RT_PREEMPT=0`, Lua code that never waits is reported too. Before the first spawn, a
---   task during which the process was stopped, by Ctrl-Z, counts as one that was in a call.)
--- - `seed`: an integer other than 0, from which `rt.select` chooses among operations that can be done. With
---   the same seed the choices are the same.
--- - `preempt`: if true, local tasks are switched where they compute, like pool tasks. Then another task may
---   run between any two instructions. Default: false.
---
--- - `unjoined`: seconds after which the error of a failed task that nobody has joined is told, as if no
---   handle were left (`rt.on_unhandled`); a later join raises it all the same. Tasks of a scope, and of
---   functions such as `rt.race`, are left out. `false`: only at the end of the program. Default: 1.
---
--- Raises in a pool task, after the first spawn, and if an option is unknown or has a wrong value.
---
--- ```lua
--- rt.configure { workers = 2, stall = 0.5 }
--- print(rt.workers()) -- 2
--- ```
---@param options { workers?: integer, blocking?: integer, stall?: number|false, seed?: integer, preempt?: boolean, unjoined?: number|false }
function rt.configure(options) end

--- Sets what each worker does before its first task: it requires a module, or runs a function, which may
--- wait and may set globals. May be called several times. If it fails in a worker, the tasks of that worker
--- fail. In the main state, before the first spawn; raises elsewhere and later.
---
--- The garbage collectors of the workers are in incremental mode. The main state of `rt-lua` is in
--- generational mode, as that of `lua`. There a collection is one step, which looks at every task that waits:
--- with 10,000 of them it took four times as long as the longest incremental step. Where a state holds much
--- else, it saved servers 5 to 15 % of their CPU time; so a program may prefer
--- `rt.preload(function() collectgarbage("generational") end)`.
---
--- ```lua
--- rt.preload(function() greeting = "hello" end)
--- print(rt.spawn(function() return greeting end):join()) -- hello
--- ```
---@param what string|function
function rt.preload(what) end

--- How many workers the pool has, or will have when it is started.
---
--- ```lua
--- print(rt.workers() >= 1) -- true
--- ```
---@return integer
function rt.workers() end

--- Ends the program, from any task on any worker; returns at once. The main chunk is cancelled, as by
--- Ctrl-C, and when it has ended, all tasks are. Tasks that have not cleaned up after so many seconds are
--- closed where they wait. The exit code is 0, unless an error was not handled. Further calls can only make
--- the time shorter, and do nothing once the main chunk has ended. After SIGINT or SIGTERM, which leave 5
--- seconds, the first call says how much time there is instead. (A stock interpreter reports that its script
--- was cancelled.)
---
--- ```lua
--- rt.spawn(function()
---   rt.sleep(0.05)
---   rt.shutdown(1)
--- end)
--- print(pcall(rt.sleep, 3600)) -- false cancelled: the program is shut down
--- ```
---@param seconds? number  default: 5
function rt.shutdown(seconds) end

-- ## Diagnostics

--- All tasks that have not ended, on all workers. Each worker lists its own tasks, so the list is not that
--- of one moment. A worker in a C function may not answer within 150 ms; then only the task that it runs is
--- listed, with `stuck` set. Works in every place, also where a task cannot wait; the other tasks of this
--- worker do not run meanwhile.
---
--- ```lua
--- rt.spawn_local(rt.sleep, 3600).name = "sleeper"
--- rt.yield()
--- for _, info in ipairs(rt.tasks()) do
---   print(info.name, info.state, info.waiting) -- main running nil; sleeper waiting sleep
--- end
--- ```
---@return rt.task_info[]
function rt.tasks() end

--- An element of the list that `rt.tasks` returns.
---@class rt.task_info
---@field id integer  0: the main task
---@field name string|nil
---@field state "queued"|"running"|"waiting"  as `task:status()`
---@field worker string|nil  "main", "pool 1", "blocking 1"; nil: no worker has begun it
---@field spawned string|nil  where it was spawned: "file.lua:12"
---@field waiting string|nil  what it waits for: "sleep", "join", "receive", …
---@field waited number|nil  for how many seconds, to about 4 ms
---@field stuck true|nil  its worker does not answer

--- Writes a report: each worker and what it does, and each task with its state and traceback. Takes less
--- than 250 ms, and names a worker that does not answer, with the task that it runs. (A hundred thousand
--- tasks take longer than that; then the report says how many it left out.)
---
--- `kill -QUIT`, or Ctrl-\, makes `rt-lua` write this report to stderr, whatever it is doing, and continue; a
--- stock interpreter handles that signal itself. A program without a pool reports at once which task runs,
--- and the rest when that task is in Lua code again.
---
--- ```lua
--- local path = os.tmpname()
--- print(rt.dump(path), (io.open(path):read("l"))) -- true rt: workers: 1, tasks: 1
--- os.remove(path)
--- ```
---@param file? string|file*  the path of a file, which is overwritten, or an open file; default: stderr
---@return true|nil ok
---@return string? message
---@return string? code
function rt.dump(file) end

--- Counters of the runtime, which only grow.
---
--- ```lua
--- rt.spawn_local(rt.yield):join()
--- print(rt.metrics().main.done) -- 1
--- ```
---@return rt.totals
function rt.metrics() end

--- The counters of a worker. When no task is left, `spawned` is `started` plus `unstarted`, and also `done`
--- plus `failed` plus `cancelled`.
---@class rt.counts
---@field spawned integer  tasks that tasks of this worker have spawned
---@field started integer  tasks that have begun on this worker
---@field unstarted integer  tasks that ended before they began: they were cancelled, or there was no memory
---@field done integer  tasks that have returned
---@field failed integer  tasks that have raised an error
---@field cancelled integer  tasks that ended as cancelled
---@field resumes integer  how often a task was resumed, the main chunk included; as of the last poll
---@field preempted integer  how often a task was switched where it did not wait
---@field polls integer  polls of timers, other workers and the system
---@field parks integer  polls that waited since there was nothing to do
---@field posts integer  messages from other threads
---@field timers integer  sleeps and deadlines that were due
---@field stolen integer  tasks taken from the queues of other workers

--- What `rt.metrics` returns: the sums of all workers, and the counters of each.
---@class rt.totals : rt.counts
---@field main rt.counts  of the main state
---@field workers rt.counts[]  of each worker of the pool that has been started
---@field blocking rt.counts[]  of each worker of `rt.spawn_blocking` that has been started

-- ## TCP

---@class rt.tcp
local tcp = {}

--- Listens on the first address of a host that this machine has: a name, an address, "*" for all addresses
--- of IPv4, or "::" for all of IPv6 and, as Linux is set by default, of IPv4. If the port of that one is in
--- use, the call fails with "EADDRINUSE".
---
--- Raises if the host is empty, the port is not from 0 to 65535, or an option is unknown or has a wrong
--- value.
---
--- ```lua
--- local listener = assert(rt.tcp.listen("127.0.0.1", 0))
--- local host, port, family = listener:sock()
--- print(host, family) -- 127.0.0.1 inet
--- print(select(3, rt.tcp.listen(host, port))) -- EADDRINUSE
--- listener:close()
--- ```
---@async
---@param host string
---@param port integer  0: any free port
---@param options? { backlog?: integer, reuseport?: boolean, nodelay?: boolean }  default: 128, false, true
---@return rt.listener|nil listener
---@return string|nil message
---@return string|nil code
function tcp.listen(host, port, options) end

--- Connects to the first address of a host that answers. If a name has several addresses, up to eight are
--- tried, and at the same time if they are slow. Looking up the name blocks no other task, and lookups that a
--- name server does not answer delay others by 20 ms, as long as there are fewer than 128 on a worker.
--- `localhost`, and every name that ends in `.localhost`, is 127.0.0.1 and ::1, whatever the system's hosts
--- file says.
---
--- Raises if the host is empty or "*", the port is not from 1 to 65535, or an option is unknown or has a
--- wrong value. If the process has no file descriptor left, garbage is collected before the call fails with
--- "EMFILE"; so it is in `rt.tcp.listen`.
---
--- ```lua
--- local listener = assert(rt.tcp.listen("127.0.0.1", 0))
--- local stream = assert(rt.tcp.connect(listener:sock()))
--- print((stream:peer())) -- 127.0.0.1
--- stream:close()
--- listener:close()
--- ```
---@async
---@param host string
---@param port integer
---@param options? { timeout?: number, nodelay?: boolean }|"inet"|"inet6"  default: 30 seconds, true. A family is allowed and ignored, for `rt.tcp.connect(server:address())`
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function tcp.connect(host, port, options) end

--- Serves connections with all workers: for each connection a pool task runs `handler(stream)`, and the
--- stream is closed when the handler ends. With `balance = "reuseport"` each worker accepts connections, and
--- the system distributes them; with `"handoff"` one task accepts them, and spawns each handler on the
--- worker that has the fewest tasks. An error of a handler goes to `rt.on_unhandled`. The option `grace` is
--- for `server:close`. If another server listens on the port, the call fails with "EADDRINUSE". If it fails,
--- for whatever reason, nothing is left of the server.
---
--- While a worker is stuck in a C function, for 0.1 s and more, the other workers accept its connections. (A
--- connection whose handler runs on that worker has to wait.)
---
--- A server ends when it is closed. What keeps it from accepting connections or from starting handlers is
--- reported on stderr, once until that works again, and it goes on trying.
---
--- Raises if an argument has a wrong type, or the handler cannot be sent to all workers (it holds a file, or a
--- stream, which only one task can have), or an option is unknown or has a wrong value.
---
--- ```lua
--- local server <close> = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
---   for line in stream:lines() do
---     stream:write(line:upper(), "\n")
---   end
--- end))
--- local stream <close> = assert(rt.tcp.connect(server:address()))
--- stream:write("hello\n")
--- print(stream:read("l")) -- HELLO
--- ```
---@async
---@param host string
---@param port integer  0: any free port
---@param handler fun(stream: rt.stream)  sent to the workers, as the function of `rt.spawn`
---@param options? { balance?: "reuseport"|"handoff", backlog?: integer, nodelay?: boolean, grace?: number }  default: "reuseport", 128, true, 5 seconds
---@return rt.server|nil server
---@return string|nil message
---@return string|nil code
function tcp.serve(host, port, handler, options) end

--- A connection. It belongs to one state. A stream that is sent to a task of another state moves, with
--- what has arrived and was not read; here it is closed then. One task may read while another one writes; a
--- second reader or writer gets `nil, "EBUSY: …", "EBUSY"`. When the connection has failed (the peer has
--- reset it), what had arrived can still be read, and then each read says so: only a peer that has closed its
--- side reads as an end. A method of a stream that is closed or has moved raises. `__close` closes it, and so
--- does the garbage collector.
---
--- ```lua
--- local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
--- local client <close> = assert(rt.tcp.connect(listener:sock()))
--- local server <close> = assert(listener:accept())
--- client:write("one\ntwo ", 3, "\n")
--- client:shutdown()
--- print(server:read("l")) -- one
--- local data, ended = server:recv(), server:recv()
--- print(data == "two 3\n", ended) -- true nil
--- ```
---@class rt.stream
local stream = {}

--- Receives bytes, as soon as there are any.
---@async
---@param max? integer  how many at most; default: 65536, and never more than that
---@return string|nil data  nil without a message: the peer has sent its last byte
---@return string|nil message
---@return string|nil code
function stream:recv(max) end

--- An operation for `rt.select`: as `stream:recv`.
---
--- ```lua
--- local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
--- local stream <close> = assert(rt.tcp.connect(listener:sock()))
--- print(rt.select(stream:recv_op(), rt.sleep_op(0.05))) -- 2
--- ```
---@param max? integer
---@return rt.operation
function stream:recv_op(max) end

--- Reads, as `file:read` of Lua's io library. A read that is cancelled or times out has consumed no byte. A
--- line of more than 1 MiB fails with "EMSGSIZE".
---@async
---@param ... "n"|"l"|"L"|"a"|integer  default: "l"
---@return any ...  a value for each format; nil without a message: the end
function stream:read(...) end

--- For loops, as `file:lines` of Lua's io library: `for line in stream:lines() do`. Raises if the connection
--- breaks.
---
--- ```lua
--- local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
--- local client = assert(rt.tcp.connect(listener:sock()))
--- client:write("one\ntwo\n")
--- client:close()
--- for line in listener:accept():lines() do
---   print(line) -- one; two
--- end
--- ```
---@param ... "n"|"l"|"L"|"a"|integer  default: "l"
---@return fun(): ...
function stream:lines(...) end

--- Writes all of its arguments, and waits while the peer is slow. A write that is cancelled may have sent a
--- part.
---@async
---@param ... string|number
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:write(...) end

--- Ends the direction to the peer, which reads the end after the last byte. The stream can still be read.
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:shutdown() end

--- Closes the connection, at once. A task that reads or writes meanwhile gets `nil, "ECANCELED: …",
--- "ECANCELED"`. A second call does nothing.
function stream:close() end

--- The address of the peer.
---@return string|nil host
---@return integer|string port  or a message
---@return "inet"|"inet6"|string family  or a code
function stream:peer() end

--- The address of this end.
---
--- ```lua
--- local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
--- local stream <close> = assert(rt.tcp.connect(listener:sock()))
--- print(select(2, stream:peer()) == select(2, listener:sock())) -- true
--- print(select(2, stream:sock()) == select(2, listener:accept():peer())) -- true
--- ```
---@return string|nil host
---@return integer|string port  or a message
---@return "inet"|"inet6"|string family  or a code
function stream:sock() end

--- Sets TCP_NODELAY: whether small writes are sent at once. By default they are.
---@param on boolean
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:nodelay(on) end

--- Sets SO_KEEPALIVE: whether the system checks the peer when the connection is silent.
---
--- ```lua
--- local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
--- local stream <close> = assert(rt.tcp.connect(listener:sock()))
--- print(stream:keepalive(60) == stream, stream:nodelay(false) == stream) -- true true
--- ```
---@param seconds number|false  of silence before the first check, above 0 to 32767, cut off to whole ones but at least 1; false: no checks
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:keepalive(seconds) end

--- A listener that is sent to a task of another state moves, as a stream does. `__close` closes it, and so
--- does the garbage collector.
---
--- ```lua
--- local listener = assert(rt.tcp.listen("127.0.0.1", 0))
--- rt.spawn_local(function()
---   for stream in listener:incoming() do
---     stream:write("hello\n")
---     stream:close()
---   end
--- end)
--- print(rt.tcp.connect(listener:sock()):read("l")) -- hello
--- listener:close() -- ends the loop
--- ```
---@class rt.listener
local listener = {}

--- Waits for the next connection. One that fails before it is accepted (see accept(2)) is passed over. If
--- the process has no file descriptor left, and a full collection of garbage frees none, that is reported on
--- stderr, and the wait continues; no connection is lost.
---@async
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function listener:accept() end

--- An operation for `rt.select`: as `listener:accept`.
---
--- ```lua
--- local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
--- print(rt.select(listener:accept_op(), rt.sleep_op(0.05))) -- 2
--- ```
---@return rt.operation
function listener:accept_op() end

--- For loops: `for stream in listener:incoming() do`, until the listener is closed.
---@return fun(): rt.stream|nil
function listener:incoming() end

--- The address on which it listens.
---@return string|nil host
---@return integer|string port  or a message
---@return "inet"|"inet6"|string family  or a code
function listener:sock() end

--- Closes the listener, at once. A second call does nothing.
function listener:close() end

--- What `rt.tcp.serve` returns. It may be sent to tasks of other workers, and is the same server there.
--- `__close` closes it.
---
--- ```lua
--- local server = assert(rt.tcp.serve("127.0.0.1", 0, print))
--- print((server:address())) -- 127.0.0.1
--- server:close(0)
--- server:join() -- returns at once: the server is closed
--- ```
---@class rt.server
local server = {}

--- The address on which it listens.
---@return string host
---@return integer port
---@return "inet"|"inet6" family
function server:address() end

--- Accepts no further connections, waits so many seconds for the handlers to end, and cancels the handlers
--- that have not. Returns when all have ended.
---@async
---@param grace? number  seconds; default: the option `grace` of `rt.tcp.serve`
function server:close(grace) end

--- Waits until the server has been closed and its handlers have ended.
---@async
function server:join() end

return rt
