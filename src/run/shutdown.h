/* run/shutdown.h - rt.shutdown: a request to end the program, and its deadline.
**
** The main chunk is cancelled, as by SIGINT; when it has ended, the program ends as it always does
** (run/stop). Both together have the grace: if the main chunk has not ended by then, the state is
** closed from where it waits.
*/
#ifndef RT_RUN_SHUTDOWN_H
#define RT_RUN_SHUTDOWN_H

#include "worker/worker.h"

#define RT_NO_LIMIT UINT64_MAX

/* On any worker's thread: requests the end of the program within 'grace' ns. A later call only has
** an effect if its deadline is earlier. */
void rt_shutdown(rt_worker *w, uint64_t grace);

/* Main worker: has the deadline passed while the main chunk runs? Then rtL_shutdown_force ends the
** process; L is the coroutine in which the main chunk computes. */
bool rt_shutdown_is_over(const rt_worker *w);
void rtL_shutdown_force(rt_worker *w, lua_State *L);

/* Main worker: the main chunk has ended with an error. If it is an rt.Cancelled and rt.shutdown was
** called, it is no error of the program. */
static inline void rt_shutdown_note_error(rt_worker *w, bool is_cancelled) {
  w->shutdown.ended_main = w->shutdown.deadline && is_cancelled;
}

/* Delivered to the main worker: a task on another worker has called rt.shutdown. */
void rt_shutdown_on_post(rt_post *p, void *driver);

#endif
