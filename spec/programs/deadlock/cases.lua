--- Programs in which no task can be resumed any more.
--   cases.lua NAME
local rt = require("rt")

local ch = rt.channel(1)
local cases = {}

function cases.main_chunk()
  rt.channel():recv()
end

function cases.never_filled()
  rt.spawn(function()
    ch:recv()
  end):join()
end

function cases.never_emptied()
  rt.spawn(function()
    ch:send(1)
    ch:send(2)
  end):join()
end

function cases.rendezvous()
  rt.channel(0):send(1)
end

function cases.local_tasks_join_each_other()
  local a, b
  a = rt.spawn_local(function()
    b:join()
  end)
  b = rt.spawn_local(function()
    a:join()
  end)
  a:join()
end

function cases.pool_tasks_join_each_other()
  local a = rt.spawn(function()
    return ch:recv():join()
  end)
  local b = rt.spawn(function()
    return a:join()
  end)
  ch:send(b)
  a:join()
end

function cases.two_locks()
  local one, two, both = rt.mutex(), rt.mutex(), rt.barrier(2)
  local function take(first, second)
    local _ = first:lock()
    both:wait()
    second:lock()
  end
  local a, b = rt.spawn(take, one, two), rt.spawn(take, two, one)
  a:join()
end

function cases.lock_is_kept()
  local lock = rt.mutex()
  local holder = rt.spawn(function()
    local _ = lock:lock()
    ch:send(1)
    rt.channel():recv()
  end)
  ch:recv()
  rt.spawn(function()
    lock:lock()
  end):join()
end

function cases.permits_are_kept()
  local s = rt.semaphore(1)
  s:acquire()
  rt.spawn(function()
    s:acquire()
  end):join()
end

function cases.barrier()
  local b = rt.barrier(3)
  rt.spawn(function()
    b:wait()
  end)
  b:wait()
end

function cases.notify()
  rt.notify():wait()
end

function cases.watch()
  local w = rt.watch(1)
  rt.spawn(function()
    w:changed()
  end):join()
end

function cases.select()
  local task = rt.spawn_local(function()
    rt.yield()
    rt.channel():recv()
  end)
  rt.select(ch:recv_op(), task:join_op(), rt.semaphore(0):acquire_op())
end

function cases.blocking()
  rt.spawn_blocking(function()
    ch:recv()
  end):join()
end

function cases.socket()
  local l = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = l:sock()
  local c = assert(rt.tcp.connect("127.0.0.1", port))
  local s = assert(l:accept())
  c:write("hello")
  ch:recv()
end

cases[arg[1]]()
