#include "run/forked.h"

#include "base/fork.h"
#include "base/safe_write.h"
#include "run/end_wait.h"
#include "run/signals.h"

#include <unistd.h>

void rt_forked_end(void) {
  static const char why[] = "rt: a task of a child of fork must end the process, or call exec\n";
  rt_safe_write(STDERR_FILENO, why, sizeof why - 1);
  _exit(EXIT_FAILURE);
}

static void run_no_task(rt_driver *d, rt_task *t) {
  (void)d, (void)t;
  rt_forked_end();
}

void rt_forked_leave(rt_worker *w) {
  rt_signals_leave(w);
  rt_driver_leave(&w->driver, run_no_task);
  rt_end_wait_begin(w); /* the end of the running task, which is the last one, ends the process */
  if (w->slot) rt_fork_unblock_signals(); /* threads of rt block them */
}
