/* run/signals.h - the handlers of SIGINT, SIGTERM and SIGQUIT.
**
** The first SIGINT or SIGTERM asks the main chunk to end: if it waits, its wait raises. If it runs,
** in any coroutine, a hook raises there (lua.c sets one in its signal handler, too), as soon as no
** value is on its way to a <close> variable. If a task runs, which keeps the main chunk from
** running, the hook cancels it. In rt-lua that one signal ends the process within the grace,
** whatever blocks:
**
** 1. A timer ticks from then on (base/wall_timer.h). Until the main chunk has got its error, a call
**    in which the thread is blocked is interrupted: it fails with EINTR, and the hook raises when
**    it has returned. (A call that makes progress, a slow write, is left alone.) A call inside a
**    shield is not interrupted; nor is a task ended, which runs while the main chunk waits in one.
** 2. Then cleanup may block, until the grace is over.
** 3. At the end of the grace, the main chunk and the tasks are ended where they are, and a call
**    that blocks is interrupted again.
** 4. If the process is still there after FORCE_TIME, as it is in a C function that does not return,
**    or loops where Lua calls no hook (in a finalizer, in a debug hook), the handler ends it.
**
** In the end the process dies of that signal, by its default action. The second signal does that at
** once.
**
** Beside lua_sethook, a handler uses: fields of the worker that are volatile or atomic, the clock,
** rt_mailbox_post, which is lock-free, rt_driver_ring (uv_async_send), write(2), timer_settime,
** sigaction and raise, all async-signal-safe; getrusage, a mere system call; and in step 4 fflush,
** with a tick to end it.
*/
#ifndef RT_RUN_SIGNALS_H
#define RT_RUN_SIGNALS_H

#include "worker/worker.h"

/* rt-lua: handles SIGINT, SIGTERM, and SIGQUIT (run/dump_signal.h). */
void rt_signals_own(rt_worker *w);
/* rt as a module of another interpreter: handles SIGINT while the main chunk waits; while it runs,
** the handler that was there before is called (that of lua.c). Does nothing if SIGINT is
** ignored. */
void rt_signals_share(rt_worker *w);

/* The main chunk gets the error of the signal now. */
static inline void rt_signals_note(rt_worker *w) { w->signals.noticed = 1; }

/* At the prompt SIGINT ends a statement, and not the session. forgive: it has; the next signal
** is the first. */
void rt_signals_set_prompting(rt_worker *w, bool prompting);
void rt_signals_forgive(rt_worker *w);

/* Main worker: os.execute waits for a command. A SIGINT from the keyboard, which the command gets,
** too, counts only if it has ended the command. */
void rt_signals_command_begin(rt_worker *w);
void rt_signals_command_end(rt_worker *w, bool interrupted);

/* Main worker: how long tasks may unwind, in ns; UINT64_MAX: no signal has come. */
uint64_t rt_signals_time_left(const rt_worker *w);

/* Main worker: the grace after a signal is over, and the main chunk runs or waits in L: ends the
** process from there (run/stop.h). Does not return. */
void rtL_signals_force(rt_worker *w, lua_State *L);

/* rt-lua: if a signal has asked the program to end, exit ends the process by that signal. */
void rt_signals_die_at_exit(const rt_worker *w);

/* In a child of fork: the signals end it, or do what the host has said. */
void rt_signals_leave(rt_worker *w);

/* The worker is closed: the handlers find none from now on. */
void rt_signals_forget(rt_worker *w);

#endif
