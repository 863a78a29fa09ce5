/* task/escalation.h - what is done about a task that swallows the error of a cancel or a timeout.
**
** A cancel, or a timeout whose deadline has passed, raises an error in the task: at a checkpoint
** (run/cancel.c), or in the preemption hook if the task computes (run/preempt.c). Lua code can
** swallow that error with pcall and continue. Then the error is raised again, and in the end the
** task is forced:
**
** 1. Each checkpoint raises the error, each time.
** 2. The hook raises it, but not within RT_ESCALATION_PAUSE after the last time, and not before it
**    was called RT_ESCALATION_CALLS times since: until then the task may be cleaning up. (The pause
**    is time on the clock, in which a busy machine may not have run the task at all. Each call of
**    the hook follows a signal of the CPU timer, so the task has run for a period of it.)
**    Nor does it while a __close runs, for as long: a __close comes to its end unless it computes
**    for more than that.
** 3. RT_ESCALATION_LIMIT after the hook raised it for the first time, the task is forced. If all of
**    the task is cancelled and its coroutine can yield, its coroutine is closed from outside. Else
**    the hook stays, and raises the error at each instruction until the task has left the scope.
** 4. A task that swallows the error at its checkpoints never computes for as long as that. After
**    RT_ESCALATION_LIMIT, and RT_ESCALATION_TIMES errors, its checkpoints set the hook: then rule
**    2 or 3 applies to its next instruction.
**
** All functions: worker's thread. 'scope' is the serial number of the cancel scope whose deadline
** has passed, or 0 if all of the task is cancelled; 'now' is rt_clock().
*/
#ifndef RT_TASK_ESCALATION_H
#define RT_TASK_ESCALATION_H

#include "base/base.h"

#define RT_ESCALATION_PAUSE (100 * RT_MILLISECOND)
#define RT_ESCALATION_LIMIT RT_SECOND
enum { RT_ESCALATION_TIMES = 100, RT_ESCALATION_CALLS = 10 };

/* All zeros: no error was raised yet. The times are rt_clock. */
typedef struct rt_escalation {
  uint64_t scope;   /* the scope for which the error was raised last */
  uint64_t last;    /* when the error was raised last; 0: never */
  uint64_t first;   /* when the error was raised for this scope for the first time */
  uint64_t hook;    /* when RT_ESCALATION_LIMIT began: the hook first raised it; 0: not yet */
  uint32_t closing; /* ms: when the hook first found this __close active; 0: it found none */
  /* These stop at UINT8_MAX. */
  uint8_t times;         /* how often the error was raised for this scope */
  uint8_t calls;         /* calls of the hook since the error was raised last */
  uint8_t closing_calls; /* calls of the hook since 'closing' */
} rt_escalation;

/* The error is about to be raised. */
void rt_escalation_note(rt_escalation *e, uint64_t scope, uint64_t now);

/* The error is about to be raised at a checkpoint, and is noted. True: the hook must be set, so
** that it runs at the next instruction. can_close: the task's coroutine can be closed from outside
** (rule 3). */
bool rt_escalation_checkpoint(rt_escalation *e, uint64_t scope, uint64_t now, bool can_close);

typedef enum rt_escalation_step {
  RT_ESCALATION_WAIT,  /* the task may still be cleaning up: do nothing now */
  RT_ESCALATION_RAISE, /* raise the error once (and note it) */
  RT_ESCALATION_FORCE  /* close the coroutine, or raise the error at each instruction */
} rt_escalation_step;

/* The hook runs in a task that is to be unwound. is_closing: a __close is active that may come to
** its end. */
rt_escalation_step rt_escalation_hook(rt_escalation *e, uint64_t scope, uint64_t now,
                                      bool is_closing);

/* Was the error raised for this scope, and for no other one after that? */
static inline bool rt_escalation_was_raised(const rt_escalation *e, uint64_t scope) {
  return e->last != 0 && e->scope == scope;
}

/* The __close for which the hook waits has come to its end. */
static inline void rt_escalation_closed(rt_escalation *e) { e->closing = 0; }

/* The cancel was taken back. */
static inline void rt_escalation_reset(rt_escalation *e) { e->last = 0; }

#endif
