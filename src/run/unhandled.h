/* run/unhandled.h - errors that no task joined: reported to rt.on_unhandled, or to stderr.
**
** The error of a local task becomes unhandled when the failure is collected with the task's handle
** (run/outcome); that of a job when its last handle is dropped, in any state: then the runtime
** gives the job to the main worker. An error that stays unjoined for a while becomes unhandled
** although it can be joined (run/unjoined.h). At the end of the program all that remain become
** unhandled.
*/
#ifndef RT_RUN_UNHANDLED_H
#define RT_RUN_UNHANDLED_H

#include "worker/worker.h"

/* Are there unhandled errors for rt_unhandled_report? At the end of the program it is not
** called. */
static inline bool rt_unhandled_is_due(const rt_worker *w) {
  bool any = w->failures.count > 0 || w->unjoined.due || !rt_list_is_empty(&w->unhandled.jobs);
  return rt_unlikely(any) && !w->unhandled.directly;
}

/* Called between two tasks. Spawns a task for each unhandled error, which calls the function of
** rt.on_unhandled; if there is none, writes the error to stderr and sets the exit code 1. */
void rt_unhandled_report(rt_worker *w);

/* Called at the end, protected: reports all errors that are left, directly; and writes to stderr
** those for which the function of rt.on_unhandled has not returned. */
void rtL_unhandled_report_all(lua_State *L, rt_worker *w);

/* Called when the running task ends the program. If it runs the function of rt.on_unhandled, the
** error that it reports counts as reported. */
void rt_unhandled_set_handled(lua_State *L, rt_worker *w);

/* Drops the failed jobs whose errors could not be reported. */
void rt_unhandled_drop_jobs(rt_worker *w);

/* Delivered to the main worker: a failed job has no handle any more. The post is that of its
** failure record. */
void rt_unhandled_on_job(rt_post *p, void *driver);

#endif
