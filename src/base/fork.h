/* base/fork.h - is this process a child of fork that has not called exec?
**
** Of the threads of the parent such a child has one, but all of their memory, and their
** descriptors, those of event loops included. So rt does not run there: diag/worker_registry.c
** notices it, and run/forked.c says what becomes of a worker. (posix_spawn, system and popen do not
** come this way: their children call exec at once.)
*/
#ifndef RT_BASE_FORK_H
#define RT_BASE_FORK_H

#include "base/base.h"

/* Any thread. */
bool rt_fork_is_child(void);

/* Any thread: fork calls 'prepare' before, and then 'parent' in the parent, 'child' in the child,
** all on the thread that forks. 0, or an error. */
int rt_fork_watch(void (*prepare)(void), void (*parent)(void), void (*child)(void));

/* In 'child': from now on rt_fork_is_child returns true. */
void rt_fork_note_child(void);

/* In 'child': the thread blocks no signal any more, so that what it starts by exec does not. */
void rt_fork_unblock_signals(void);

#endif
