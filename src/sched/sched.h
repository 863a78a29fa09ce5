/* sched/sched.h - a pool of workers: queues of jobs, stealing, and which worker to wake.
**
** A scheduler has a fixed number of slots. A slot gets a thread with a worker when a job is
** submitted and no worker is idle. Each slot has a queue of jobs that have not started. A worker
** takes the oldest job of its own queue; a worker that has nothing else to do steals half of the
** queue of another slot. A job that has started stays on its worker.
**
** A runtime has two schedulers: the pool for tasks, with one slot per CPU, and the pool for
** blocking jobs, whose workers run one job at a time. Both are reference-counted and may outlive
** the main state: a thread in a C call that does not return cannot be ended, and still uses its
** scheduler.
**
** "Any thread" below means: any thread that holds a reference to the scheduler. sched.c says how
** parking and submitting exclude a job that stays in a queue while all workers sleep. The records,
** and how threads start and end, are in slot.h.
*/
#ifndef RT_SCHED_SCHED_H
#define RT_SCHED_SCHED_H

#include "sched/slot.h"

/* Main worker. Copies the config. NULL: no memory; then the config's references stay with the
** caller. No thread is started yet. */
rt_sched *rt_sched_new(const rt_sched_config *config);

/* Main worker, once, before a thread is started: makes the two schedulers of a runtime each
** other's peer. */
void rt_sched_pair(rt_sched *a, rt_sched *b);
/* Any thread. A new reference to the peer; NULL if the main worker has closed the scheduler. */
rt_sched *rt_sched_peer(rt_sched *s);

/* Any thread, after rt_sched_start has returned 0. Queues the job and takes over the caller's
** reference; then wakes an idle worker, or else starts a thread if a slot is empty (if that fails,
** the main worker tries again every 100 ms while jobs are queued). 'own': the slot of the calling
** worker, whose queue gets the job; NULL: the slot with the least to do gets it. 0; UV_EAGAIN:
** queue_max is reached, or the queue is full; UV_ECANCELED: the scheduler is stopping. If it fails,
** the reference stays with the caller. (A job that finds no worker, since none can be made, is
** queued, and fails.) */
int rt_sched_submit(rt_sched *s, rt_job *j, rt_slot *own);
/* The same for the pinned queue of one slot. Starts threads until that slot has one; fails also if
** one of them cannot be started. */
int rt_sched_submit_to(rt_sched *s, rt_job *j, int slot);

/* Worker's thread, for a scheduler with a queue_max. True: there is space in the queues, and the
** waiter was not used. False: the waiter is in the queue of waiters for space; 'again': at the
** front, because its task has been called before and another task was faster. A task that was
** called has to call rt_sched_notify_space before it does anything that can keep it from submitting
** (such as ending because it was cancelled); otherwise the space that it was called for is lost
** for the waiters behind it. */
bool rt_sched_await_space(rt_sched *s, rt_waiter *waiter, bool again);
/* Any thread. If there is space in the queues, calls the first waiter for it. */
void rt_sched_notify_space(rt_sched *s);

/* Worker's thread. The next job for this slot, with a reference, or NULL. 'steal': the worker has
** no task that could run, so if its own queues are empty it may steal. */
rt_job *rt_sched_take(rt_slot *slot, bool steal);

/* Any thread. Between the two calls no job moves from one queue to another, so a thread that reads
** all queues misses none. The time between them must be short: no worker steals meanwhile. */
void rt_sched_pause_stealing(rt_sched *s);
void rt_sched_resume_stealing(rt_sched *s);

/* Any thread. Is there a job that this slot's worker could take or steal? Not exact: another worker
** may take it first. */
bool rt_sched_has_job(rt_slot *slot);
/* Worker's thread, which has nothing to run: the same, of those that it would steal now. */
bool rt_sched_would_take(rt_slot *slot);

/* Worker's thread, between rt_slot_attach and rt_slot_end (slot.h). */
/* Before parking. True: the slot is idle, the worker may park and has to call rt_slot_leave_idle
** afterwards. False: there is a job; the slot is not idle. */
bool rt_slot_enter_idle(rt_slot *slot);
/* After parking. 'busy': the worker has tasks to run before it takes a job; if it was woken for a
** job, it then wakes another idle worker in its place. */
void rt_slot_leave_idle(rt_slot *slot, bool busy);
/* The driver is about to be closed: it is not rung any more, and gets no post from here. */
void rt_slot_detach(rt_slot *slot);

/* Any thread, while all threads of the runtime are still (event/active_threads.h). Is the scheduler
** asleep? That is: the mailboxes of all its workers are asleep, and there is no job that a worker
** could take. Part of the search for a deadlock (run/deadlock.h). */
bool rt_sched_is_asleep(rt_sched *s);

/* Main worker. Posts collect_post to all workers, unless it is on its way already. */
void rt_sched_collect(rt_sched *s);
/* Worker's thread: collect_post has been delivered; returns its slot. */
rt_slot *rt_slot_collect_received(rt_post *p);

/* Any thread: how often tasks have been resumed on all workers. Exact while they are still. */
uint64_t rt_sched_resumes(rt_sched *s);

/* Main worker. Posts stop_post to all workers; jobs that have not started are cancelled when the
** last worker ends. A second call does nothing. */
void rt_sched_stop(rt_sched *s);
/* Main worker, last: joins the threads that have ended, detaches the others (they are in a C call
** that does not return), and drops the caller's reference. */
void rt_sched_close(rt_sched *s);

#endif
