/* run/preempt.h - switches or ends a task that computes for longer than a period of the CPU timer.
**
** A signal of the CPU timer (base/cpu_timer.h), on the worker's own thread, finds that the same
** task has been running for a whole period, and sets a hook on its coroutine. Lua calls the hook at
** the next instruction, and the hook decides:
**
**   - If a cancel or a deadline applies, the error is raised (task/escalation.h says when).
**   - If the task is one of the pool, which shares no Lua values with others (or any task, if
**     rt.configure says so), it yields. It is resumed in the next turn, at the instruction where it
**     was.
**   - Any other task continues, unless the program is to end. The next signal tries again.
**
** A task that never runs for a whole period never gets a hook, and pays nothing. preempt.c has the
** argument why a signal handler may do this.
*/
#ifndef RT_RUN_PREEMPT_H
#define RT_RUN_PREEMPT_H

#include "worker/worker.h"

/* Worker's thread: starts the CPU timer, at its first task or timeout. If the system has none for
** this thread (RLIMIT_SIGPENDING), the watchdog sends the signal, which is reported once. Tasks are
** switched only where they wait if RT_PREEMPT=0, or if other code of the process handles SIGURG, or
** if there is no watchdog either; these two are reported once. */
void rt_preempt_start(rt_worker *w);
static inline void rt_preempt_need(rt_worker *w) {
  if (rt_unlikely(!w->preempt.started)) rt_preempt_start(w);
}
void rt_preempt_stop(rt_worker *w);

/* Tasks of the state are switched, too, not only those of the pool. */
static inline void rt_preempt_switch_all(rt_worker *w) { w->preempt.switches_all = true; }

/* Called by the count hook of run/signals.c, while a task runs: raises what is due. True: Lua
** yields now, and the hook must return at once, without taking itself off. */
bool rtL_preempt_decide(lua_State *L, lua_Debug *ar, rt_worker *w);

/* A task has been switched. */
static inline void rt_preempt_count(rt_worker *w) {
  w->preempt.switches++;
  rt_worker_count(w, RT_COUNT_PREEMPTED, 1);
}

/* The hook 'interrupt': the running task swallows its cancel at its checkpoints (rule 4 of
** task/escalation.h). Sets the preemption hook, so that its next instruction is treated as that of
** a task that computes. */
void rt_preempt_interrupt(rt_worker *w, lua_State *L);

/* Debug builds, chaos: the task that is about to be resumed is switched after a random number of
** instructions. */
void rt_preempt_soon(rt_worker *w, lua_State *co);

#endif
