/* spec/model/explorer/explore.h - the explorer of thread schedules: runs a model in all of them.
**
** The files of src/ that know no Lua are compiled as they are, and run on fibers of one OS thread.
** Every atomic operation, lock, wait and bell is a point at which another fiber may be resumed
** instead. A model is run again and again, each time with another schedule, until all schedules
** with a bounded number of preemptions (two by default) have been run. A preemption: a fiber that
** could continue is stopped. When a fiber has to wait, each of the others that can continue is
** tried. A wait with a timeout may time out at any time.
**
** A schedule fails if a check or an assertion fails, if no fiber can continue, if it does not end,
** or if memory is leaked or used after it was freed. Then the explorer prints which fiber did what,
** and the numbers with which --replay runs this schedule again.
**
** All operations are sequentially consistent here. What a weaker order breaks, and data races, are
** for the thread sanitizer to find (make tsan).
**
** A model that cannot fail shows nothing. So each model lists bugs; it is also run with each of
** them seeded, and then a schedule must fail.
*/
#ifndef RT_EXPLORE_H
#define RT_EXPLORE_H

#include "base/base.h"

enum { FIBERS = 8, BUGS = 6 };

typedef enum bug_kind {
  NO_BUG,
  BUG_NOT_ATOMIC, /* a change is a read and then a write */
  BUG_NOT_READ,   /* a read finds 0 or NULL */
  BUG_NOT_WRITTEN,
  BUG_NOT_LOCKED,     /* a lock does not exclude other fibers */
  BUG_BELL_FORGOTTEN, /* a bell that rings before the sleep does not prevent it */
  BUG_OWN             /* the model itself does something wrong; see seeded */
} bug_kind;

typedef struct bug {
  const char *says;
  bug_kind kind;
  const char *where; /* part of the text of a model_place; BUG_OWN: the bug's name */
} bug;

typedef struct model {
  const char *says; /* what is true in each schedule */
  void (*begin)(void);
  struct {
    const char *name;
    void (*run)(void);
  } fibers[FIBERS];
  void (*end)(void); /* called after all fibers have ended: checks, frees the rest; NULL: nothing */
  bug bugs[BUGS];
} model;

int explore(int argc, char **argv, const model *models, size_t count);
#define EXPLORE(models) \
  int main(int argc, char **argv) { return explore(argc, argv, models, rt_countof(models)); }

/* --- for models ------------------------------------------------------------------------------- */
#define check(what) ((what) ? (void)0 : model_fail("%s:%d: not so: %s", __FILE__, __LINE__, #what))
bool seeded(const char *name); /* is this BUG_OWN seeded? */
void wait_until(bool *flag);   /* waits for another fiber to set the flag */
void explore_no_more(void);    /* the rest of the schedule has no alternatives */

/* --- for the names of base/base.h ------------------------------------------------------------- */
int fiber_here(void); /* the number of the running fiber; -1: none (in begin and end) */
int fiber_start(const char *name, void (*run)(void *), void *arg);
bool fiber_ended(int fiber);
/* The running fiber waits until ready(arg) or, if it is 'timed', until any time. Returns
** ready(arg). */
bool fiber_wait(const model_place *at, bool (*ready)(void *), void *arg, bool timed);
int fiber_choose(int n);      /* 0 to n - 1, each of them in some schedule */
uint64_t fiber_changes(void); /* how many changes of shared memory there were */
bool bug_is_at(bug_kind kind, const model_place *at);

/* The memory of one schedule (platform.c). */
void memory_begin(void);
void memory_end(bool failed); /* checks that no block is left, unless the schedule has failed */
void memory_check(const model_place *at, const volatile void *p); /* fails if p was freed */

#endif
