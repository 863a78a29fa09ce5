"""Commands for gdb that show the workers and tasks of a process that runs rt.

    gdb -x docs/gdb.py -p PID
    gdb -x docs/gdb.py --args build/lua5.4-debug/rt-lua script.lua

    rt-workers              every worker: its thread, and the task that runs
    rt-tasks [bt]           every task of every worker; bt: and its Lua traceback
    rt-lua                  the Lua traceback of the task that runs in the thread chosen in gdb

rt-workers only reads memory, so it works on a core file, too. The others call functions of rt in the
thread of the worker: stop it where it waits, or in a function of rt, and not inside malloc or Lua.
docs/debugging.md has an example.
"""

import gdb


def containerof(link, type_name, field):
    """The object of which `link` (an rt_list) is the field."""
    kind = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == field)
    address = int(link.address) - offset
    return gdb.Value(address).cast(kind.pointer()).dereference()


def each(head, type_name, field):
    link = head["next"]
    while link != head.address:
        yield containerof(link.dereference(), type_name, field)
        link = link["next"]


def registry():
    """The list of all workers: the one static rt_list of diag/worker_registry.c."""
    function = gdb.lookup_global_symbol("rt_worker_registry_add")
    if function is None:
        raise gdb.GdbError("this process has no debug information of rt (or no rt in it)")
    for symbol in function.symtab.static_block():
        if symbol.is_variable and symbol.type.name == "rt_list":
            return symbol.value()
    raise gdb.GdbError("diag/worker_registry.c has no list of workers")


def workers():
    for status in each(registry(), "rt_worker_status", "link"):
        yield containerof(status, "rt_worker", "status")


def thread_of(worker):
    tid = int(worker["status"]["thread_info"]["thread"])
    for thread in gdb.selected_inferior().threads():
        if thread.ptid[1] == tid:
            return thread
    return None


def word(enum, prefix):
    """RT_OP_RECEIVE is "receive"."""
    return str(enum).replace(prefix, "").lower().replace("_", " ")


class in_thread:
    """With the thread of a worker chosen, and only that one running."""

    def __init__(self, worker):
        self.thread = thread_of(worker)

    def __enter__(self):
        self.before = gdb.selected_thread()
        self.locking = gdb.parameter("scheduler-locking")
        if self.thread is None:
            raise gdb.GdbError("the thread of this worker is not there")
        self.thread.switch()
        gdb.execute("set scheduler-locking on", to_string=True)

    def __exit__(self, *_):
        gdb.execute("set scheduler-locking " + self.locking, to_string=True)
        self.before.switch()


def call(expression):
    return gdb.parse_and_eval(expression)


def text_at(buf, offset):
    return (buf["base"] + buf["head"] + offset).string(errors="replace")


class Workers(gdb.Command):
    """Every worker: its thread in gdb, how many tasks it has, and the one that runs."""

    def __init__(self):
        super().__init__("rt-workers", gdb.COMMAND_STACK)

    def invoke(self, _, from_tty):
        for w in workers():
            thread = thread_of(w)
            running = w["current"]["task"]
            now = "none"
            if running:
                now = "the main chunk" if running["is_main"] else "task %d" % running["id"]
            tasks = int(w["tasks"]["live"]) + (1 if w["main"] else 0)  # live: without main
            print("%-12s thread %-3s tasks: %-4d running: %s"
                  % (w["status"]["name"].string(), thread.num if thread else "?", tasks, now))


class Tasks(gdb.Command):
    """Every task of every worker. `rt-tasks bt`: each with its Lua traceback."""

    def __init__(self):
        super().__init__("rt-tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for w in workers():
            print(w["status"]["name"].string() + ":")
            try:
                with in_thread(w):
                    self.show(w, argument == "bt")
            except gdb.error as e:
                print("  " + str(e))

    def show(self, w, with_traceback):
        size = gdb.lookup_type("rt_snapshot_reply").sizeof
        address = int(call("(long)rt_calloc(%d)" % size))
        reply = "((rt_snapshot_reply *)%d)" % address
        call("rt_inspect_tasks((rt_worker *)%d, %s, %d, ~0ull)" % (int(w.address), reply, with_traceback))
        r = call("*" + reply)
        for i in range(int(r["count"])):
            self.show_task(r["tasks"][i], r["texts"])
        call("rt_buf_close(&%s->texts)" % reply)
        call("rt_free(%s->tasks)" % reply)
        call("rt_free((void *)%d)" % address)

    def show_task(self, info, texts):
        line = "  main chunk" if info["is_main"] else "  task %d" % info["id"]
        if info["name"]:
            line += " (%s)" % text_at(texts, info["name"])
        line += ", " + ("running" if info["is_running"] else word(info["phase"], "RT_"))
        if not info["is_running"] and word(info["op"], "RT_OP_") != "none":
            line += " for %s" % word(info["op"], "RT_OP_")
        if info["site"]:
            line += ", spawned at " + text_at(texts, info["site"])
        print(line)
        if info["traceback"]:
            print(text_at(texts, info["traceback"]).rstrip("\n"))


class Lua(gdb.Command):
    """The Lua traceback of the task that runs in this thread."""

    def __init__(self):
        super().__init__("rt-lua", gdb.COMMAND_STACK)

    def invoke(self, _, from_tty):
        thread = gdb.selected_thread()
        for w in workers():
            if thread is not None and thread_of(w) is not None and thread_of(w).num == thread.num:
                if not w["current"]["task"]:
                    print("no task runs in this worker")
                    return
                with in_thread(w):
                    self.show(w)
                return
        raise gdb.GdbError("this is not the thread of a worker (rt-workers)")

    def show(self, w):
        size = gdb.lookup_type("rt_buf").sizeof
        address = int(call("(long)rt_calloc(%d)" % size))
        call("rt_inspect_trace((rt_buf *)%d, (rt_worker *)%d, ((rt_worker *)%d)->current.task)"
             % (address, int(w.address), int(w.address)))
        buf = call("*(rt_buf *)%d" % address)
        if buf["tail"] > buf["head"]:
            print(buf["base"].string(length=int(buf["tail"]), errors="replace").rstrip("\n"))
        call("rt_buf_close((rt_buf *)%d)" % address)
        call("rt_free((void *)%d)" % address)


Workers()
Tasks()
Lua()
