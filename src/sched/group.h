/* sched/group.h - tasks that belong together: those of a server, of a scope, of a race.
**
** A group knows which of its jobs have not ended, so that somebody can wait for all of them
** or cancel them all; one that enters a cancelled group is born cancelled.  Local tasks it
** only counts: they are their state's business.  Its policy says when those who wait for it,
** and the body of the scope that watches it, hear of it before all have ended.
*/
#ifndef RT_SCHED_GROUP_H
#define RT_SCHED_GROUP_H

#include "event/waiter.h"

/* What a job has of its group. */
typedef struct rt_group_member {
  /* fixed */
  struct rt_group *group; /* held; NULL: none */
  rt_shared *owner;
  /* under the group's lock */
  rt_list link;
  bool cancel_sent; /* to cancel */
} rt_group_member;

typedef enum rt_group_policy {
  RT_GROUP_ALL_COMPLETED,  /* nothing but the end of the last counts */
  RT_GROUP_FIRST_FAILURE,  /* a failure, too */
  RT_GROUP_FIRST_SUCCESS,  /* a success, too */
  RT_GROUP_FIRST_COMPLETED /* any end, too */
} rt_group_policy;

typedef struct rt_group {
  rt_shared shared;
  /* fixed */
  void (*cancel)(rt_shared *member);
  rt_group_policy policy;
  /* under lock */
  rt_lock lock;
  bool cancelling; /* it is about to be cancelled, or has been */
  bool cancelled;
  bool decided;     /* what the policy names has happened */
  uint64_t decider; /* the id of the task whose end that was; 0: not decided */
  int live;
  rt_list members;  /* that have not ended */
  rt_list waiters;  /* waiters: called at the decision, or when nobody is left */
  rt_list watchers; /* waiters: called at the decision, or when it is cancelled */
} rt_group;

void rt_group_free(rt_shared *t); /* of its kind */

rt_group *rt_group_new(const rt_shared_kind *kind, rt_group_policy policy,
                       void (*cancel)(rt_shared *)); /* NULL: no memory */
static inline rt_group *rt_group_of(rt_shared *t) { return rt_containerof(t, rt_group, shared); }

/* any thread: a new job is its member; false: it is to be cancelled at once. */
bool rt_group_enter(rt_group *g, rt_group_member *m, rt_shared *whose);
/* any thread: a member, of this id, has ended. */
void rt_group_leave(rt_group_member *m, uint64_t id, rt_phase how);

/* The same for a local task, which gets a reference, and gives it up at its end. */
bool rt_group_enter_local(rt_group *g);
void rt_group_leave_local(rt_group *g, uint64_t id, rt_phase how);

/* any thread: somebody is about to cancel its members, one after the other.  Those who see that
** from what another of them has done may know already. */
void rt_group_begin_cancel(rt_group *g);
bool rt_group_is_cancelling(rt_group *g);
/* any thread: cancels all that are there, and all that will come. */
void rt_group_cancel(rt_group *g);

/* Waiting.  True: there is nothing to wait for (nobody is left; or, unless it is to be 'all',
** it is decided); false: the waiter is queued. */
bool rt_group_await(rt_group *g, rt_waiter *t, bool all);
/* True: it is decided, or cancelled; false: the waiter is queued. */
bool rt_group_watch(rt_group *g, rt_waiter *t);

int rt_group_live(rt_group *g);
uint64_t rt_group_decider(rt_group *g);

#endif
