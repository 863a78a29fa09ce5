/* sched/group.h - a group of tasks: those of a scope, a race or a server.
**
** A group has a list of its jobs that have not ended, so a task can wait for all of them, and they
** can be cancelled together; a job that enters a cancelled group has to be cancelled at once. Local
** tasks of a state are only counted: their state keeps the list (lib/task/group.c).
**
** The policy of a group says which end of a task decides it: the first failure, the first success,
** the first that is none, or the first end of any kind. Tasks that wait for the group are called
** when it is decided, and not only when all its tasks have ended.
**
** The group of a scope also has a queue of the tasks that have ended, for scope:next, which gives
** each of them once. A scope that is open for long and does not use scope:next would keep them all:
** so if it has not been used when there are more than RT_GROUP_ENDED_MAX, the queue is given up.
*/
#ifndef RT_SCHED_GROUP_H
#define RT_SCHED_GROUP_H

#include "base/id_queue.h"
#include "event/waiter.h"

enum { RT_GROUP_ENDED_MAX = 1 << 14 };

/* A job's place in its group; a part of the rt_job. */
typedef struct rt_group_member {
  /* fixed, from rt_group_enter on */
  struct rt_group *group; /* held; NULL: none */
  rt_shared *owner;       /* the job */
  /* under the lock of the group */
  rt_list link;
  bool cancel_sent; /* the group has called its 'cancel', or it entered when it was cancelled */
  bool forgotten;   /* rt_group_forget was called */
} rt_group_member;

typedef enum rt_group_policy {
  RT_GROUP_ALL_COMPLETED, /* the group is never decided */
  RT_GROUP_FIRST_FAILURE,
  RT_GROUP_FIRST_SUCCESS,
  RT_GROUP_FIRST_UNSUCCESSFUL, /* it failed or was cancelled */
  RT_GROUP_FIRST_COMPLETED
} rt_group_policy;

typedef struct rt_group {
  rt_shared shared;
  /* fixed */
  void (*cancel)(rt_shared *member); /* any thread, with no lock held */
  rt_group_policy policy;
  const rt_driver *driver; /* of a scope: that of the task that has opened it; else NULL */
  /* the driver's thread */
  rt_task *volatile opener; /* of a scope: that task, until it closes the scope; else NULL */
  /* under the lock */
  rt_lock lock;
  bool cancelling;  /* rt_group_begin_cancel was called */
  bool cancelled;   /* rt_group_cancel was called: jobs that enter are to be cancelled */
  bool decided;     /* the first end that the policy names has happened */
  uint64_t decider; /* the id of the task that ended so; 0: not decided */
  int live;         /* jobs and local tasks that have not ended */
  rt_list members;  /* jobs that have not ended; those with cancel_sent last */
  rt_list waiters;  /* waiters: called when the group is decided, and when 'live' becomes 0 */
  rt_list watchers; /* waiters: called when the group is decided, and when it is cancelled */
  /* under the lock; for rt_group_next */
  bool keeps_ended;  /* tasks that end are added to 'ended' */
  bool gives_ended;  /* rt_group_give_ended was called: 'ended' is not given up */
  rt_id_queue ended; /* ids of tasks that have ended */
  int promised;      /* how many of 'ended' are for waiters that were called */
  rt_list nexts;     /* waiters: called when a task ends, and when 'live' becomes 0 */
} rt_group;

/* Any thread: the 'free' of a group's kind. */
void rt_group_free(rt_shared *shared);

/* Any thread. NULL: no memory. */
rt_group *rt_group_new(const rt_shared_kind *kind, rt_group_policy policy,
                       void (*cancel)(rt_shared *));
static inline rt_group *rt_group_of(rt_shared *shared) {
  return rt_containerof(shared, rt_group, shared);
}

/* Any thread, before the job is queued: it becomes a member, and holds the group. False: the group
** was cancelled, and the caller has to cancel the job. */
bool rt_group_enter(rt_group *g, rt_group_member *m, rt_shared *owner);
/* Any thread, with a reference to the job: the job with this id has ended as 'how'. */
void rt_group_leave(rt_group_member *m, uint64_t id, rt_phase how);

/* Any thread. The same for a local task: enter_local takes a reference to the group, which
** leave_local drops. */
bool rt_group_enter_local(rt_group *g);
void rt_group_leave_local(rt_group *g, uint64_t id, rt_phase how);

/* Any thread. Announces that the members will be cancelled, before the first one is: see
** group.c. */
void rt_group_begin_cancel(rt_group *g);
bool rt_group_is_cancelling(rt_group *g);
/* Any thread. Cancels all jobs of the group; those that enter from now on are to be cancelled.
** Local tasks are left to the caller. */
void rt_group_cancel(rt_group *g);

/* The waiter's thread. True: there is nothing to wait for: 'live' is 0 or, unless 'all', the group
** is decided. False: the waiter is in the queue. */
bool rt_group_await(rt_group *g, rt_waiter *waiter, bool all);
/* The waiter's thread. True: the group is decided or cancelled. False: the waiter is in the
** queue. */
bool rt_group_watch(rt_group *g, rt_waiter *waiter);

/* --- the tasks that have ended ---------------------------------------------------------------- */
/* Any thread, before any task enters: from now on the group has a queue of the tasks that end. */
void rt_group_keep_ended(rt_group *g);
/* Any thread: has it a queue? False: it never had, or has given it up. */
bool rt_group_keeps_ended(rt_group *g);

/* The driver's thread, before a task enters: makes room for it in the queue. False: no memory. */
bool rt_group_make_room(rt_group *g);
/* Any thread. The job could not be queued, and ends without a handle: it is not to be given. */
void rt_group_forget(rt_group_member *m);

/* The driver's thread, before the first rt_group_next: the queue is used. 0; UV_ENOMEM; UV_ENOBUFS:
** the group has given up its queue. */
int rt_group_give_ended(rt_group *g);

/* The driver's thread. True: *id is the next task that has ended, or 0: all have ended and were
** given. False: the caller would have to wait. */
bool rt_group_next(rt_group *g, uint64_t *id);
/* The waiter's thread. True: the waiter is in the queue. False: nothing was done, and another
** attempt is worth it. */
bool rt_group_await_next(rt_group *g, rt_waiter *waiter);
/* The waiter was called with this answer: the id of its task, or 0, as rt_group_next. */
uint64_t rt_group_take_promised(rt_group *g, int answer);
/* The waiter was called, but its task takes nothing: the next one gets it. */
void rt_group_give_back(rt_group *g, int answer);

/* Any thread. */
int rt_group_live(rt_group *g);
uint64_t rt_group_decider(rt_group *g);

#endif
