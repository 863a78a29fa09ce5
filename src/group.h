/* group.h - jobs that belong together: those of a server, or of a scope.
**
** A group knows which of its jobs have not ended, so that somebody can wait for all of them
** or cancel them all; one that enters a cancelled group is born cancelled.  If it is asked to,
** it keeps those that have failed, and its waiters hear of the first one at once.
*/
#ifndef RT_GROUP_H
#define RT_GROUP_H

#include "ticket.h"

/* What a job has of its group. */
typedef struct rt_member {
  /* fixed */
  struct rt_group *group; /* held; NULL: none */
  rt_thing *whose;
  /* under the group's lock */
  rt_list link;
  bool told; /* to cancel */
} rt_member;

typedef struct rt_group {
  rt_thing thing;
  /* fixed */
  void (*cancel)(rt_thing *member);
  bool keeps_failures;
  /* under lock */
  rt_lock lock;
  bool cancelled;
  int live;
  rt_list members; /* that have not ended */
  rt_list failed;  /* held */
  rt_list waiters; /* tickets */
} rt_group;

void rt_group_free(rt_thing *t); /* of its kind */

rt_group *rt_group_new(const rt_thing_kind *kind, bool keeps_failures,
                       void (*cancel)(rt_thing *)); /* NULL: no memory */
static inline rt_group *rt_group_of(rt_thing *t) { return rt_containerof(t, rt_group, thing); }

/* any thread: a new job is its member; false: it is to be cancelled at once. */
bool rt_group_enter(rt_group *g, rt_member *m, rt_thing *whose);
/* any thread: a member has ended. */
void rt_group_leave(rt_member *m, bool failed);

/* any thread: cancels all that are there, and all that will come. */
void rt_group_cancel(rt_group *g);

/* Waiting: true, there is nothing to wait for (nobody is left, or somebody has failed);
** false, the ticket is queued. */
bool rt_group_await(rt_group *g, rt_ticket *t);

int rt_group_live(rt_group *g);

/* The next one that has failed, with a reference, or NULL. */
rt_thing *rt_group_take_failed(rt_group *g);

#endif
