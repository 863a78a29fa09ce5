/* run/forked.h - what becomes of a worker in a child of fork.
**
** The child may compute, end, or call exec. Its worker is closed without being touched: its event
** loop shares an epoll instance with the parent, and the other threads do not exist. So every
** operation raises (rtL_error_closed), the end of the state closes nothing, and no other task runs.
*/
#ifndef RT_RUN_FORKED_H
#define RT_RUN_FORKED_H

#include "worker/worker.h"

/* The hook 'on_forked': worker's thread, which has forked, in the child. */
void rt_forked_leave(rt_worker *w);

/* The task that has forked has returned, or waits: ends the process. */
void rt_forked_end(void);

#endif
