/* explore.h - the explorer of thread schedules.
**
** The rooms of floors 0 and 1, as they are, run on fibers of one OS thread.  Every atomic
** operation, every lock, wait and bell is a point where another fiber may go on instead.  A
** model is run again and again, each time with another schedule, until all have been run in
** which no more than so many times (two, unless told otherwise) a fiber that could go on has
** to stop; where a fiber must wait, whoever can goes on, in all ways.  A wait with a timeout
** may time out whenever it waits.
**
** A schedule fails if a check or an assertion does, if nobody can go on, if it does not end,
** if a block of memory is left, or is used after it was freed.  What was done by which fiber
** is printed then, and the numbers with which --replay runs that schedule again.
**
** Orders are sequentially consistent here: what a weaker order breaks is for the thread
** sanitizer (make tsan) to find.  So are plain reads and writes that race.
**
** A model that cannot fail shows nothing: so each lists bugs, and is also run with each of them
** seeded, until a schedule fails.
*/
#ifndef RT_EXPLORE_H
#define RT_EXPLORE_H

#include "base/base.h"

enum { FIBERS = 8, BUGS = 6 };

typedef enum bug_kind {
  NO_BUG,
  TORN,  /* a change that is not atomic: the place where */
  BLIND, /* a look that finds nothing */
  LOST,  /* a write that is not done */
  OPEN,  /* a lock that lets everybody in */
  DEAF,  /* a bell that is only heard by who sleeps already */
  OWN    /* the model's own: what it does instead; see seeded */
} bug_kind;

typedef struct bug {
  const char *says;
  bug_kind kind;
  const char *where; /* a part of the text of the place; OWN: its name */
} bug;

typedef struct model {
  const char *says; /* what holds in each schedule */
  void (*begin)(void);
  struct {
    const char *name;
    void (*run)(void);
  } fibers[FIBERS];
  void (*end)(void); /* after all of them: checks, and frees what is left */
  bug bugs[BUGS];
} model;

int explore(int argc, char **argv, const model *models, size_t count);
#define EXPLORE(models) \
  int main(int argc, char **argv) { return explore(argc, argv, models, rt_countof(models)); }

/* --- for models ------------------------------------------------------------------------------ */
#define check(what) ((what) ? (void)0 : model_fail("%s:%d: not so: %s", __FILE__, __LINE__, #what))
bool seeded(const char *name); /* a bug of its own */
void wait_until(bool *flag);   /* another fiber sets it */
void explore_no_more(void);    /* from here on one way is enough: another model looks at the rest */

/* --- for the words ----------------------------------------------------------------------------- */
int fiber_here(void); /* -1: none, before and after */
int fiber_start(const char *name, void (*run)(void *), void *arg);
bool fiber_ended(int fiber);
/* The present one goes on when 'ready' says so; or, if it is 'timed', at any time.  True: it does. */
bool fiber_wait(const model_place *at, bool (*ready)(void *), void *arg, bool timed);
int fiber_choose(int n); /* 0 to n - 1: all of them, one after the other */
uint64_t fiber_changes(void);
bool bug_is_at(bug_kind kind, const model_place *at);

/* What platform.c keeps for each schedule. */
void ground_begin(void);
void ground_end(bool failed); /* checks that nothing is left, unless it failed */
void ground_look(const model_place *at, const volatile void *p); /* is it still there? */

#endif
