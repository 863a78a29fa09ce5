/* lib/operation.h - operations as values, of which rt.select does exactly one.
**
** A select first tries each operation; if none can be done at once it arms them all and
** waits.  Those on shared objects that threads share have a waiter each, and one claim: whoever serves
** the first takes the claim, and the others are passed over.  Those of this state (a socket,
** a task, the clock) only say that another try is worth it.
**
** Arming does nothing that could not be undone: if it turns out that an operation can be
** done after all, everything is withdrawn and tried again.
*/
#ifndef RT_LIB_OPERATION_H
#define RT_LIB_OPERATION_H

#include "lib/lib.h"

typedef struct rt_branch {
  const struct rt_op_kind *kind;
  struct rt_select *of;
  rt_waiter *waiter;   /* NULL: it needs none */
  rt_message *message; /* what it would send, while no waiter has it; for 'finish': what came */
  int answer;          /* for 'finish': what its waiter was called with */
  int kept;            /* for 'prepare': the place of what it has left on the stack */
  rt_task proxy;       /* stands on a list of this state in place of the task */
  rt_timeout timer;
  uint64_t due; /* tick; 0: not set */
} rt_branch;

typedef struct rt_op_kind {
  const char *name;
  bool has_ticket;
  /* Does it if it can be done at once: pushes the results and returns how many.  -1: it would
  ** have to wait.  'b' is NULL until it has waited. */
  int (*attempt)(lua_State *L, rt_worker *w, int op, rt_branch *b);
  /* Whatever may raise on the way to waiting; NULL: nothing.  One value may be left on the stack,
  ** where it stays until the select is over. */
  void (*prepare)(lua_State *L, rt_worker *w, int op, rt_branch *b);
  /* Waits.  Must not raise.  False: another attempt is worth it. */
  bool (*arm)(lua_State *L, rt_worker *w, int op, rt_branch *b);
  /* Its waiter was called: pushes the results and returns how many.  All waiters are torn. */
  int (*finish)(lua_State *L, rt_worker *w, int op, rt_branch *b);
} rt_op_kind;

/* The body of an operation; its user value 1 is the object, 2 what else it needs. */
typedef struct rt_operation {
  const rt_op_kind *kind;
} rt_operation;
enum { RT_OPERATION_OBJECT = 1, RT_OPERATION_ARGS, RT_OPERATION_VALUES = RT_OPERATION_ARGS };

/* Replaces the stack (the object at 1, its arguments above, packed into a table if there are
** any) by the operation. */
int rtL_operation_new(lua_State *L, rt_worker *w, const rt_op_kind *kind);

/* The object of an operation. */
void *rtL_operation_object(lua_State *L, int op);

/* For 'arm': this branch waits on a list of its state, or for its due tick. */
void rt_operation_park(rt_branch *b, rt_list *list);
void rt_operation_sleep(rt_branch *b, rt_driver *d);

/* The hook 'wake_select': the proxy task of a branch was woken. In lib/task/select.c. */
void rt_select_wake(rt_task *proxy);

#endif
