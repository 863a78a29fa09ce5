---@meta rt
-- What `require "rt"` returns, for lua-language-server: add this folder to "workspace.library".
-- docs/reference.md is generated from it, and spec/library_spec.lua compares it with the module.
-- Durations are seconds, and may have a fraction. Misuse raises an error. What the world refuses
-- comes back as nil, a message and a code: nil, "ECONNREFUSED: …", "ECONNREFUSED".

---@class rt
---@field version string  of rt: "0.1.0"
---@field Cancelled rt.Cancelled  the metatable of cancellation errors: `getmetatable(err) == rt.Cancelled`
---@field tcp rt.tcp
local rt = {}

-- ## Tasks

--- An isolated task, on any worker of the pool. The function, its upvalues and the arguments are
--- copied as they are at the call; streams and listeners move. It sees the globals of its worker,
--- not those of the caller. Returns before any of it has run. When the main chunk ends, what is
--- left of it is cancelled: join it, if it matters.
--- Raises if a value cannot travel, and says where it is; nothing has been spawned or moved then.
---@param f function  a Lua function, or a C function that a module holds
---@param ... any  its arguments
---@return rt.task task
function rt.spawn(f, ...) end

--- A task in this state: it shares upvalues, tables and globals with its siblings, and they take
--- turns only where one of them waits. Returns before any of it has run. When the main chunk ends,
--- what is left of it is cancelled.
---@param f function
---@param ... any  its arguments
---@return rt.task task
function rt.spawn_local(f, ...) end

--- An isolated task on a thread that may be blocked: for C libraries that wait, `os.execute`,
--- slow files. There are 64 such threads at most (`rt.configure`), each with a Lua state; 1024
--- tasks may be queued, and then this call waits.
---@async
---@param f function
---@param ... any  its arguments
---@return rt.task task
function rt.spawn_blocking(f, ...) end

--- The task that runs: in the main chunk, the main task. nil in a finalizer that runs between two
--- tasks.
---@return rt.task|nil task
function rt.current() end

--- Lets every other task of this worker that may run have its turn, and looks at timers and the OS.
---@async
function rt.yield() end

--- Waits for all of them at once. Functions are run as local tasks. As soon as one fails, its error
--- is raised, after the functions that still run have been cancelled and have ended; tasks that the
--- caller gave go on. Several errors are raised as one, with `.errors`.
---@async
---@param ... rt.task|function
---@return any ...  the first result of each
function rt.join(...) end

--- Waits for the first to end. Functions are run as local tasks. The others are cancelled, tasks
--- that the caller gave, too, and have ended when this returns. If the first one fails, its error
--- is raised.
---@async
---@param ... rt.task|function
---@return integer index  of the one that ended first
---@return any ...  its results
function rt.race(...) end

--- Runs `f(scope)`, and does not return or raise before all tasks of the scope have ended and
--- cleaned up. Policies: `"all"`, the first failure cancels the other tasks and f, and is raised
--- (several: as one `rt.errors`); `"any"`, the first success cancels the others, and its results
--- are the scope's; `"first"`, likewise the first end of any kind; `"settle"`, nothing cancels the
--- others, and failures stay in their tasks.
---@async
---@param f fun(scope: rt.scope): ...
---@param policy? "all"|"any"|"first"|"settle"  by default "all"
---@return any ...  what f returns, or those of the task that the policy names
function rt.scope(f, policy) end

--- Runs f as a local task and waits for it: for those who like it explicit.
---@async
---@param f function
---@param ... any  its arguments
---@return any ...  its results
function rt.run(f, ...) end

--- Says who is told of errors that nobody joins, in place of stderr and exit code 1: errors of the
--- tasks of this state and, in the main state, of the tasks of the pool. Called as a task, when the
--- handle of a failed task has been collected, or at the end. If it fails, or is ended before it
--- returns, the error that it was told goes to stderr all the same. nil: as in the beginning.
---@param f? fun(err: any, task: rt.task, traceback: string)
function rt.on_unhandled(f) end

--- The traceback of the running function; and if the error came out of a task by a join, that of
--- the task. For message handlers of `xpcall`.
---@param err? any
---@param level? integer  by default 1
---@return string
function rt.traceback(err, level) end

--- A task, of whatever kind. Dropping it changes nothing: the task runs to its end, or to that of
--- the main chunk. One of the pool may be sent to other tasks, a local one cannot.
---@class rt.task
---@field id integer  unique in the process; read only
---@field name string|nil  may be set; seen in messages. Cut at 255 bytes, and at a zero byte
local task = {}

--- Waits until it has ended. Any number of tasks may join it, at any time. Raises its error; if it
--- was cancelled, an `rt.Cancelled`. A task cannot join itself, and nobody the main task.
---@async
---@return any ...  its results; if it is one of the pool, a copy for each who joins (and a stream among them for the first)
function task:join() end

--- For `rt.select`: to join it.
---@return rt.operation
function task:join_op() end

--- Cancels it: if it has not begun it never will; if it waits, the wait raises an `rt.Cancelled`,
--- and so does every one after that, so that it unwinds; if it computes, that is raised where it is.
--- One that goes on for a second all the same is closed. Does not wait for any of that. If its
--- cleaning up raises, that is what it ends with, "failed", and the traceback says what it was cancelled for.
---@param reason? any  the `reason` of the error; for a task of the pool it is copied, and what would move is refused
---@return boolean pending  false: it had ended before
function task:cancel(reason) end

--- Where it stands.
---@return "queued"|"running"|"waiting"|"done"|"failed"|"cancelled"
function task:status() end

--- What a worker has done so far, in numbers that only grow. When no task is left, `spawned` is `started` plus `unstarted`, and
--- `spawned` is `done` plus `failed` plus `cancelled`.
---@class rt.counts
---@field spawned integer  tasks that tasks of this worker have spawned
---@field started integer  tasks that have begun here
---@field unstarted integer  tasks that ended without having begun: they were cancelled before, or there was no memory
---@field done integer  tasks that returned,
---@field failed integer  raised an error,
---@field cancelled integer  or were cancelled
---@field resumes integer  how often a task was let run, the main chunk included; as of the last poll
---@field preempted integer  how often one was switched where it did not wait
---@field polls integer  looks at timers, other workers and the OS,
---@field parks integer  and those that wait if there is nothing
---@field posts integer  messages from other threads
---@field timers integer  sleeps and deadlines that were due
---@field stolen integer  tasks that were taken from the queues of others

--- The same of all together, and of each.
---@class rt.totals : rt.counts
---@field main rt.counts  of the state that the program began with
---@field workers rt.counts[]  of each worker of the pool that has been started
---@field blocking rt.counts[]  of each worker of `rt.spawn_blocking`, likewise

--- The error that a cancelled task is unwound with, and that joining it raises. Its text is
--- `cancelled: reason`.
---@class rt.Cancelled
---@field reason any  what was given to `task:cancel`; `"timeout"` inside an `rt.timeout`; `"the program has ended"`
---@field source string|nil  who it came from: the line that called `cancel`, as `file.lua:12`, or `rt.timeout`, `rt.scope`, `rt`

--- What `rt.scope` hands to its function: tasks that end together.
---@class rt.scope
local scope = {}

--- As `rt.spawn`, as a part of the scope. In a scope that was cancelled, the task is born cancelled;
--- raises in one that has ended.
---@param f function
---@param ... any
---@return rt.task task
function scope:spawn(f, ...) end

--- As `rt.spawn_local`, likewise.
---@param f function
---@param ... any
---@return rt.task task
function scope:spawn_local(f, ...) end

--- Cancels its tasks, those to come, and the function of the scope.
---@param reason? any
function scope:cancel(reason) end

--- What a scope raises when several of its tasks have failed. (Who joins one that has failed fails
--- of the same error: that is not another one.)
---@class rt.errors
---@field errors any[]
---@field n integer  how many: an error may be nil

-- ## Time

--- A clock that never goes back, in seconds from some moment on.
---@return number seconds
function rt.now() end

--- Runs f without a break: a task of the pool is not switched in it however long it computes, and
--- no cancel or deadline is raised between two instructions. (A wait in it is a wait as any other.)
--- For invariants in globals or modules, which the tasks of a worker share. Keep it short.
---@async
---@param f function
---@param ... any  its arguments
---@return any ...  its results
function rt.critical(f, ...) end

--- Waits: never less than that. 0 and below is `rt.yield()`, `math.huge` is for ever.
---@async
---@param seconds number
function rt.sleep(seconds) end

--- Runs f, but not for longer than that: then it is unwound, where it waits or, if it computes, where
--- it is; and `nil, "timeout"` comes back. Every wait in it raises from then on. If it ends in time,
--- its results come back. What cannot be interrupted: a C function that does not return, and a
--- finalizer.
---@async
---@param seconds number
---@param f function
---@param ... any  its arguments
---@return any ...  its results, or nil
---@return "timeout"|nil
function rt.timeout(seconds, f, ...) end

--- Runs f; a cancel or a timeout from outside of it waits until it has ended, or for so many
--- seconds. For cleaning up that has to wait.
---@async
---@param seconds number  may be left out: however long it takes
---@param f function
---@param ... any  its arguments
---@return any ...  its results
---@overload fun(f: function, ...): ...
function rt.shield(seconds, f, ...) end

--- `for tick in rt.interval(0.1) do`: ticks at once, and then every `period` seconds. What becomes
--- of a late tick: with "burst" those that were missed follow at once, with "delay" the next comes a
--- period later, with "skip" the schedule stays and missed ones are left out.
---@param period number  above 0
---@param options? { missed?: "burst"|"delay"|"skip" }  by default "burst"
---@return rt.interval
function rt.interval(period, options) end

--- Calling it waits for the next tick, and returns its number: 1, 2, 3 …
---@class rt.interval
---@overload fun(): integer
local interval = {}

--- For `rt.select`: the next tick; its result is the number. One that is not chosen is still to
--- come.
---@return rt.operation
function interval:tick_op() end

-- ## Sharing

--- A queue between tasks of any workers. What is sent is copied, or moves, as by `rt.spawn`. Each
--- sender's order is kept; whoever waits longest is served first. The channel itself goes to other
--- tasks as another reference to the same one.
---@param capacity? integer  how many messages it holds, from 0 (a rendezvous) to 2^30; by default 1024
---@return rt.channel
function rt.channel(capacity) end

--- `#channel` is how many messages it holds at the moment. Has `__close`.
---@class rt.channel
---@operator len: integer
local channel = {}

--- Waits while the channel is full. Any number of values make one message. A stream or listener in
--- it moves; if the wait is then called off, it comes back.
---@async
---@param ... any
---@return true|nil sent
---@return "closed"|nil why
function channel:send(...) end

--- Does not wait; what finds no room stays where it is.
---@param ... any
---@return true|nil sent
---@return "full"|"closed"|nil why
function channel:try_send(...) end

--- Waits while the channel is empty and open.
---@async
---@return any ...  the values of one message; or `nil, "closed"`
function channel:recv() end

--- Does not wait.
---@return any ...  the values of one message; or `nil, "empty"`, or `nil, "closed"`
function channel:try_recv() end

--- For `rt.select`: to send these values. They are packed by the select.
---@param ... any
---@return rt.operation
function channel:send_op(...) end

--- For `rt.select`: to receive a message.
---@return rt.operation
function channel:recv_op() end

--- `for a, b in channel:iter() do`: receives until the channel is closed and empty; or until a
--- message begins with nil.
---@return fun(): ...
function channel:iter() end

--- Sends fail from here on, those that wait, too; what it holds can still be received. Harmless
--- twice.
function channel:close() end

--- A map that the tasks of all workers share. Keys are strings, numbers and booleans, and equal as in
--- Lua. A value is copied in and copied out, as by a channel; what would move (a stream, a listener)
--- is refused. What happens to one key happens as a whole, in an order that all agree on; `keys`,
--- `count` and `clear` go through the dict part by part. None of them waits, except for what the
--- function of `update` does. The dict itself goes to other tasks as another reference to the same
--- one; it lives as long as any.
---@param options? { max_entries?: integer, max_bytes?: integer, when_full?: "fail"|"evict" }  by default no bound (`math.huge`), 256 MiB, "fail"; "evict" forgets what was not used for the longest time
---@return rt.dict
function rt.dict(options) end

--- `#dict` is how many entries it has at the moment.
---@class rt.dict
---@operator len: integer
local dict = {}

--- What is there; tables are a new copy each time.
---@param key string|number|boolean
---@return any value  nil: nothing
function dict:get(key) end

--- Puts a value there, whatever was there before; nil deletes it.
---@param key string|number|boolean
---@param value any
---@param seconds? number  until it expires; by default it does not
---@return true|nil done
---@return "full"|nil why
function dict:set(key, value, seconds) end

--- The same, if there is nothing yet.
---@param key string|number|boolean
---@param value any
---@param seconds? number  until it expires; by default it does not
---@return boolean|nil done  false: there is something
---@return "full"|nil why
function dict:add(key, value, seconds) end

--- The same, if there is something already.
---@param key string|number|boolean
---@param value any
---@param seconds? number  until it expires; by default it does not
---@return boolean|nil done  false: there is nothing
---@return "full"|nil why
function dict:replace(key, value, seconds) end

--- Takes it out.
---@param key string|number|boolean
---@return boolean done  false: there was nothing
function dict:delete(key) end

--- Adds to a number. It expires when it would have.
---@param key string|number|boolean
---@param delta? number  by default 1
---@param initial? number  what is added to if there is nothing; by default 0
---@return number|nil value  what it is now
---@return "not a number"|"full"|nil why
function dict:incr(key, delta, initial) end

--- Puts a value there if what is there equals another one; nil stands for nothing, in both. Tables
--- and functions are equal if they are copied to the same bytes. It expires when it would have.
---@param key string|number|boolean
---@param expected any
---@param value any
---@return boolean|nil done  false: something else is there
---@return "full"|nil why
function dict:cas(key, expected, value) end

--- `f(value, ...)` says what is put there; nil deletes it. f is called again if somebody has changed
--- it meanwhile, so it should do nothing else. It may wait. It expires when it would have.
---@async
---@param key string|number|boolean
---@param f fun(value: any, ...): any
---@param ... any  more arguments
---@return any value  what is there now
---@return "full"|nil why
function dict:update(key, f, ...) end

--- When it expires.
---@param key string|number|boolean
---@return number|nil seconds  from now; `math.huge`: never; nil: there is nothing
function dict:ttl(key) end

--- Says when it expires.
---@param key string|number|boolean
---@param seconds number  from now; `math.huge`: never
---@return boolean done  false: there is nothing
function dict:expire(key, seconds) end

--- The keys, in no order. One that is there from beginning to end is listed, once.
---@param limit? integer  how many at most
---@return (string|number|boolean)[]
function dict:keys(limit) end

--- How much there is.
---@return integer entries
---@return integer bytes  what they take, as `max_bytes` counts
function dict:count() end

--- Takes all of them out.
function dict:clear() end

--- Does exactly one of several operations, and waits until one can be done. The others have done
--- nothing then. Of several that can be done, each has the same chance.
---@async
---@param ... rt.operation
---@return integer index  of the operation
---@return any ...  its results
function rt.select(...) end

--- The same, but of several that can be done it does the first.
---@async
---@param ... rt.operation
---@return integer index  of the operation
---@return any ...  its results
function rt.select_biased(...) end

--- For `rt.select`: so many seconds have passed since it began.
---@param seconds number
---@return rt.operation
function rt.sleep_op(seconds) end

--- For `rt.select`: nothing else can be done at once. With it, the select does not wait.
---@return rt.operation
function rt.default_op() end

--- What `rt.select` chooses from: `channel:recv_op()`, `channel:send_op(...)`, `task:join_op()`,
--- `stream:recv_op()`, `listener:accept_op()`, `mutex:lock_op()`, `semaphore:acquire_op(n)`,
--- `notify:wait_op()`, `watcher:wait_op()`, `subscriber:recv_op()`, `interval:tick_op()`,
--- `rt.sleep_op(seconds)`, `rt.default_op()`. A value, which may be selected any number of times. It
--- belongs to its state.
---@class rt.operation

-- ## What tasks share: locks, signals, values

--- One task at a time, of whatever worker, and the value it guards. Who waits longest has it next.
--- The lock belongs to the task that took it: until it unlocks it, or closes its guard, or has
--- ended, however it ends. (That a guard is collected means nothing.)
--- The value is copied in and copied out.
---@param value? any
---@return rt.mutex
function rt.mutex(value) end

--- A task that asks for what it has already raises "deadlock".
---@class rt.mutex
local mutex = {}

--- Runs f(value, ...) with the lock. Its first result is the new value (if it returns nothing, the
--- value stays; nil is a value); the others are the results. If it raises, the value stays.
---@async
---@param f function
---@param ... any
---@return any ...
function mutex:with(f, ...) end

--- The same, if the lock can be had at once.
---@param f function
---@param ... any
---@return boolean done  false: it is locked
---@return any ...
function mutex:try_with(f, ...) end

--- Waits until it has the lock. `local guard <close> = mutex:lock()`, or `mutex:unlock()` later.
---@async
---@return rt.guard
function mutex:lock() end

---@return rt.guard|false guard  false: it is locked
function mutex:try_lock() end

--- For `rt.select`: to have the lock. Its result is a guard.
---@return rt.operation
function mutex:lock_op() end

--- Raises if this task does not hold it.
function mutex:unlock() end

--- A mutex that is held. Has `__close`, which unlocks it.
---@class rt.guard
local guard = {}

--- A copy of the value.
---@return any
function guard:get() end

---@param value any
function guard:set(value) end

--- Raises if it has been unlocked.
function guard:unlock() end

--- Permits. Who waits longest is served first: one that wants many is not overtaken by those behind
--- it that want few. `acquire` and `release` count, and any task may release; where permits belong
--- to a piece of work, `with` or `permit` give them back.
---@param n integer  how many there are to begin with
---@return rt.semaphore
function rt.semaphore(n) end

--- `#semaphore` is how many permits there are at the moment.
---@class rt.semaphore
---@operator len: integer
local semaphore = {}

--- Waits until it has n permits, by default one.
---@async
---@param n? integer
---@return true
function semaphore:acquire(n) end

---@param n? integer
---@return boolean done
function semaphore:try_acquire(n) end

--- As an operation for `rt.select`.
---@param n? integer
---@return rt.operation
function semaphore:acquire_op(n) end

--- n permits more, by default one.
---@param n? integer
function semaphore:release(n) end

--- Waits for n permits, which come back when the object is closed, or released, or collected at the
--- latest: `local permit <close> = semaphore:permit()`.
---@async
---@param n? integer
---@return rt.permit
function semaphore:permit(n) end

--- Runs f(...) with one permit.
---@async
---@param f function
---@param ... any
---@return any ...
function semaphore:with(f, ...) end

---@return integer n  the same as `#semaphore`
function semaphore:available() end

--- Permits that are held. Has `__close`.
---@class rt.permit
local permit = {}

--- Raises if it has been released.
function permit:release() end

--- Wakes tasks, and says nothing else.
---@return rt.notify
function rt.notify() end

---@class rt.notify
local notify = {}

--- Waits for a notification.
---@async
---@return true
function notify:wait() end

--- As an operation for `rt.select`.
---@return rt.operation
function notify:wait_op() end

--- For whoever waits longest; if nobody does, for the next who comes. (One is remembered.)
function notify:notify_one() end

--- For all who wait now.
function notify:notify_all() end

--- n tasks wait for each other, round after round.
---@param n integer
---@return rt.barrier
function rt.barrier(n) end

--- There is no operation of it for `rt.select`: who comes last must know that all the others go on.
---@class rt.barrier
local barrier = {}

--- Waits until n tasks have come. One that gives up waiting has not come.
---@async
---@return boolean leader  true for one of each round
function barrier:wait() end

--- What is made once, by whichever task needs it first.
---@return rt.once
function rt.once() end

---@class rt.once
local once = {}

--- The first caller runs f(...), the others wait; all get its results, copied, now and later. If f
--- raises, its caller gets the error, and the next one tries again.
---@async
---@param f function
---@param ... any
---@return any ...
function once:get(f, ...) end

--- The latest value, copied in and copied out, and waiting for another.
---@param ... any  usually one value
---@return rt.watch
function rt.watch(...) end

--- Has `__close`.
---@class rt.watch
local watch = {}

---@return any ...
function watch:get() end

---@param ... any
---@return true|nil
---@return "closed"|nil why
function watch:set(...) end

--- Waits for the next value that is set.
---@async
---@return any ...  nil, "closed": there will be none
function watch:changed() end

--- One that has seen the present value.
---@return rt.watcher
function watch:subscribe() end

--- The value stays, and nobody waits for another.
function watch:close() end

--- May be sent to another task; those who share one share what it sees. Has `__close`.
---@class rt.watcher
local watcher = {}

--- Waits for a value that it has not seen. Of several, only the latest is seen.
---@async
---@return any ...  nil, "closed": there will be none
function watcher:wait() end

--- As an operation for `rt.select`.
---@return rt.operation
function watcher:wait_op() end

--- It sees nothing more.
function watcher:close() end

--- Every subscriber gets every message. Nobody waits to send: the last messages are kept, as many as
--- the capacity, and a subscriber that is too slow loses the oldest, and is told.
---@param capacity integer
---@return rt.broadcast
function rt.broadcast(capacity) end

--- Has `__close`.
---@class rt.broadcast
local broadcast = {}

--- Any number of values make one message.
---@param ... any
---@return true|nil
---@return "closed"|nil why
function broadcast:send(...) end

--- One that gets what is sent from now on.
---@return rt.subscriber
function broadcast:subscribe() end

--- What is kept can still be received.
function broadcast:close() end

--- May be sent to another task; those who share one share its messages. Has `__close`.
---@class rt.subscriber
local subscriber = {}

--- Waits for the next message. nil, "lagged", n: n messages have been lost, and the next call goes on
--- with the oldest that is there. nil, "closed": there will be none.
---@async
---@return any ...
function subscriber:recv() end

--- The same without waiting; nil, "empty": there is none.
---@return any ...
function subscriber:try_recv() end

--- As an operation for `rt.select`.
---@return rt.operation
function subscriber:recv_op() end

--- It gets nothing more.
function subscriber:close() end

-- ## The pool

--- How many workers the pool has (by default, as many as there are cores that the process may use)
--- and how many threads for calls that block (64). Also by the environment, `RT_WORKERS` and
--- `RT_BLOCKING`, and by `rt-lua --workers N`. In the main state, before the first spawn.
---
--- `stall`: a task that has been in one C function for so long, and so has kept all others of its
--- worker waiting, is reported on stderr, and again when that is over, with the traceback of where
--- it was if that can be known: if the function computed, or waited for a process, a pipe or a file,
--- but not for a socket or for time to pass. (Under a hook of `debug.sethook` all code looks like C,
--- and there is no traceback.) By default 0.1 s, as soon as there is a pool; `false` or 0:
--- never. In a program without a pool only if it is given. Lua code is no stall, and neither is what
--- the main chunk calls, nor a task of `rt.spawn_blocking`, nor a thread that gets no processor.
--- (Without the tick of preemption, by `RT_PREEMPT=0`, Lua code that never waits is reported, too.)
---
--- `seed`: what `rt.select` chooses by among those that are ready, to have the same choices again.
---
--- `preempt = true`: tasks of `rt.spawn_local` are switched where they compute, too, like those of
--- `rt.spawn`. What they share must then bear that at every instruction.
---@param options { workers?: integer, blocking?: integer, stall?: number|false, seed?: integer, preempt?: boolean }  the first two from 1 to 256
function rt.configure(options) end

--- What every worker does before its first task: require a module, or run a function, which may
--- wait and may set globals. If it fails there, so do the tasks. In the main state, before the first
--- spawn.
---@param what string|function
function rt.preload(what) end

--- How many workers the pool has, or will have.
---@return integer
function rt.workers() end

--- Ends the program, from any task on any worker, and returns at once: the main chunk is cancelled, as by Ctrl-C, and when it has
--- ended, all tasks are. What has not cleaned up after so many seconds (5 if nothing else is said) is closed where it waits. The
--- exit code is 0, unless an error went unhandled. Called again, only a shorter time changes anything,
--- and nothing does once the main chunk has ended.
--- (A stock interpreter says that its script was cancelled.)
---@param seconds? number
function rt.shutdown(seconds) end

-- ## Looking inside

--- All tasks that have not ended, on all workers. Each worker tells of its own, so this is not one
--- moment for all of them; one that does not answer within 150 ms, in a C function, is told of as
--- far as others know: by the task that it runs, with `stuck` set. Works everywhere, even where
--- nothing can wait; this worker's other tasks stand still meanwhile.
---@return rt.task_info[]
function rt.tasks() end

--- What `rt.tasks` tells of a task.
---@class rt.task_info
---@field id integer  0: the main chunk
---@field name string|nil
---@field state "queued"|"running"|"waiting"  as `task:status()`
---@field worker string|nil  "main", "pool 1", "blocking 1"; nil: no worker has begun it
---@field spawned string|nil  where: "file.lua:12"
---@field waiting string|nil  what for: "sleep", "join", "receive", …
---@field waited number|nil  for how many seconds, to about 4 ms
---@field stuck true|nil  its worker does not answer

--- Writes all that for people, with the traceback of each task, and of each worker what it does.
--- Takes less than 250 ms, and names a worker that does not answer, with the task that it runs. (A
--- hundred thousand tasks are too many for that time: it says how many it left out.)
---
--- `kill -QUIT` (or Ctrl-\) has `rt-lua` do the same on stderr, whatever it is busy with, and go on; in
--- a stock interpreter that signal is not ours. A program without a pool says at once which task runs,
--- and the rest when that is back in Lua code.
---@param file? string|file*  a path, which is overwritten, or an open file; by default stderr
---@return true|nil ok
---@return string? message
---@return string? code
function rt.dump(file) end

--- What the runtime has done so far, in numbers that only grow.
---@return rt.totals
function rt.metrics() end

-- ## TCP

---@class rt.tcp
local tcp = {}

--- Listens on the first address of a host: a name, an address, or "*".
---@async
---@param host string
---@param port integer  0: any free one
---@param options? { backlog?: integer, reuseport?: boolean, nodelay?: boolean }  by default 128, false, true
---@return rt.listener|nil listener
---@return string|nil message
---@return string|nil code
function tcp.listen(host, port, options) end

--- Connects to the first address of a host that answers; of a name with many, up to eight are
--- tried, several at once if they are slow. The name is looked up without blocking anybody.
---@async
---@param host string
---@param port integer
---@param options? { timeout?: number, nodelay?: boolean }|"inet"|"inet6"  by default 30 seconds, true; a family says nothing new, as in `rt.tcp.connect(server:address())`
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function tcp.connect(host, port, options) end

--- Serves connections with all workers: each is a task of the pool that runs `handler(stream)`, and
--- its stream is closed when that ends. With "reuseport" every worker accepts for itself, and the
--- system spreads the connections; with "handoff" one task accepts and hands them to the workers
--- with the least to do. An error of a handler goes to `rt.on_unhandled`. A port that another server
--- listens on is refused.
---@async
---@param host string
---@param port integer  0: any free one
---@param handler fun(stream: rt.stream)  travels as the function of `rt.spawn` does
---@param options? { balance?: "reuseport"|"handoff", backlog?: integer, nodelay?: boolean, grace?: number }  by default "reuseport", 128, true, 5 seconds
---@return rt.server|nil server
---@return string|nil message
---@return string|nil code
function tcp.serve(host, port, handler, options) end

--- A connection. It belongs to one state: sent to another task of the pool it moves, with what has
--- arrived and was not read, and here it is closed. One task may read and another one write at the
--- same time; a second reader or writer gets `nil, "EBUSY: …"`. Using one that is closed or has
--- moved raises. Has `__close`, and is closed when it is collected.
---@class rt.stream
local stream = {}

--- What has arrived, as soon as there is any.
---@async
---@param max? integer  bytes at most; by default 65536, which is the most there is
---@return string|nil data  nil alone: the end
---@return string|nil message
---@return string|nil code
function stream:recv(max) end

--- For `rt.select`: the same.
---@param max? integer
---@return rt.operation
function stream:recv_op(max) end

--- As `file:read` of Lua's io library. A read that is cancelled or times out has taken no byte.
--- A line may have 1 MiB (`"EMSGSIZE"`).
---@async
---@param ... "n"|"l"|"L"|"a"|integer  by default "l"
---@return any ...  a value for each; nil alone: the end
function stream:read(...) end

--- As `file:lines` of Lua's io library. Raises if the connection breaks.
---@param ... "n"|"l"|"L"|"a"|integer  by default "l"
---@return fun(): ...
function stream:lines(...) end

--- Writes all of it, and waits while the peer is slow. A write that is cancelled may have sent a
--- part.
---@async
---@param ... string|number
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:write(...) end

--- Tells the peer that nothing more will be written. It can still be read from.
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:shutdown() end

--- Closes it, at once; a task that waits for it gets `nil, "ECANCELED: …"`. Harmless twice.
function stream:close() end

--- The address at the other end.
---@return string|nil host
---@return integer|string port  or a message
---@return "inet"|"inet6"|string family  or a code
function stream:peer() end

--- The address at this end.
---@return string|nil host
---@return integer|string port  or a message
---@return "inet"|"inet6"|string family  or a code
function stream:sock() end

--- Whether small writes are sent at once. They are, unless it was said otherwise.
---@param on boolean
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:nodelay(on) end

--- Whether the system looks now and then if the peer is still there.
---@param seconds number|false  of silence before it does, 1 to 32767; false: never
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function stream:keepalive(seconds) end

--- Sent to another task of the pool it moves, as streams do. Has `__close`, and is closed when it is
--- collected.
---@class rt.listener
local listener = {}

--- Waits for the next connection. When the process is out of descriptors it says so on stderr and
--- goes on waiting; no connection is lost.
---@async
---@return rt.stream|nil stream
---@return string|nil message
---@return string|nil code
function listener:accept() end

--- For `rt.select`: to accept a connection.
---@return rt.operation
function listener:accept_op() end

--- `for stream in listener:incoming() do`, until it is closed.
---@return fun(): rt.stream|nil
function listener:incoming() end

--- The address that it listens on.
---@return string|nil host
---@return integer|string port  or a message
---@return "inet"|"inet6"|string family  or a code
function listener:sock() end

--- Closes it, at once. Harmless twice.
function listener:close() end

--- What `rt.tcp.serve` returns. It belongs to the state that made it. Has `__close`.
---@class rt.server
local server = {}

--- The address that it listens on.
---@return string host
---@return integer port
---@return "inet"|"inet6" family
function server:address() end

--- Accepts no more connections, waits until the handlers that run have ended, for so long, and
--- cancels those that have not. Returns when all have ended.
---@async
---@param grace? number  seconds; by default the option of that name
function server:close(grace) end

--- Waits until somebody has closed it and its handlers have ended.
---@async
function server:join() end

return rt
