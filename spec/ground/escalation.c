/* spec/ground/escalation.c - task/escalation.c: what is done about a task that swallows the error
** of a cancel or a timeout. */
#include "check.h"
#include "task/escalation.h"

enum { SCOPE = 7 };
static const uint64_t start = 5 * RT_SECOND;

/* The hook of a task that has computed since the last time, so that it was called often enough. As
** in run/preempt.c, what it raises is noted. */
static rt_escalation_step hook_at(rt_escalation *e, uint64_t scope, uint64_t now) {
  rt_escalation_step step = RT_ESCALATION_WAIT;
  for (int i = 0; i < RT_ESCALATION_CALLS && step == RT_ESCALATION_WAIT; i++)
    step = rt_escalation_hook(e, scope, now, false);
  if (step != RT_ESCALATION_WAIT) rt_escalation_note(e, scope, now);
  return step;
}

static void check_hook(void) {
  rt_escalation e = {0};
  uint64_t now = start;
  check("the hook raises the first error at once", hook_at(&e, 0, now) == RT_ESCALATION_RAISE);
  check("... and not again while the task may be cleaning up",
        hook_at(&e, 0, now + RT_ESCALATION_PAUSE - 1) == RT_ESCALATION_WAIT);
  check("... but then", hook_at(&e, 0, now += RT_ESCALATION_PAUSE) == RT_ESCALATION_RAISE);
  bool raises = true;
  for (uint64_t until = now + RT_ESCALATION_LIMIT - RT_ESCALATION_PAUSE; now < until;)
    raises = hook_at(&e, 0, now += RT_ESCALATION_PAUSE) == RT_ESCALATION_RAISE && raises;
  check("... and so on, until the limit", raises);
  check("a task that still computes is forced",
        hook_at(&e, 0, now + RT_ESCALATION_PAUSE) == RT_ESCALATION_FORCE &&
            hook_at(&e, 0, now + RT_ESCALATION_PAUSE + 1) == RT_ESCALATION_FORCE);
  check("... unless it is unwound for another scope by now",
        hook_at(&e, SCOPE, now + RT_ESCALATION_PAUSE + 2) == RT_ESCALATION_RAISE);
}

static void check_stopped_process(void) {
  rt_escalation e = {0};
  rt_escalation_note(&e, 0, start);
  uint64_t now = start + RT_ESCALATION_LIMIT;
  bool waits = true;
  for (int i = 1; i < RT_ESCALATION_CALLS; i++)
    waits = waits && rt_escalation_hook(&e, 0, now, false) == RT_ESCALATION_WAIT;
  check("a task that has hardly run since the error may still clean up", waits);
  check("... until the hook has been called often enough",
        rt_escalation_hook(&e, 0, now, false) == RT_ESCALATION_RAISE);
}

/* Does the hook wait 'times' times for a __close? */
static bool waits_for_close(rt_escalation *e, int times, uint64_t now) {
  bool waits = true;
  for (int i = 0; i < times; i++)
    waits = waits && rt_escalation_hook(e, SCOPE, now, true) == RT_ESCALATION_WAIT;
  return waits;
}

static void check_closing(void) {
  rt_escalation e = {0};
  uint64_t later = start + RT_ESCALATION_PAUSE;
  check("a __close may end before the first error",
        waits_for_close(&e, 300, start) && waits_for_close(&e, 1, later - 2 * RT_MILLISECOND));
  check("... but not for ever",
        rt_escalation_hook(&e, SCOPE, later + RT_MILLISECOND, true) == RT_ESCALATION_RAISE);
  e = (rt_escalation){0};
  check("... also if it has hardly run",
        waits_for_close(&e, 1, start) && waits_for_close(&e, RT_ESCALATION_CALLS - 1, 2 * later));
  check("... until the hook has been called often enough",
        rt_escalation_hook(&e, SCOPE, 2 * later, true) == RT_ESCALATION_RAISE);
  e = (rt_escalation){0};
  waits_for_close(&e, 1, start);
  check("... and no longer than it runs",
        rt_escalation_hook(&e, SCOPE, start + 1, false) == RT_ESCALATION_RAISE);
  e = (rt_escalation){0};
  waits_for_close(&e, RT_ESCALATION_CALLS, start);
  rt_escalation_closed(&e);
  check("... each for a time of its own", waits_for_close(&e, 1, later));
  e = (rt_escalation){0};
  waits_for_close(&e, RT_ESCALATION_CALLS, start);
  rt_escalation_note(&e, 0, start);
  check("... also after another error", waits_for_close(&e, 1, later));
}

static void check_reset(void) {
  rt_escalation e = {0};
  check("no error was raised at first", !rt_escalation_was_raised(&e, 0));
  rt_escalation_note(&e, SCOPE, start);
  check("one is noted for its scope",
        rt_escalation_was_raised(&e, SCOPE) && !rt_escalation_was_raised(&e, 0));
  rt_escalation_reset(&e);
  check("... until it is taken back", !rt_escalation_was_raised(&e, SCOPE));
}

/* Errors at checkpoints, so many in the time given. True: the last one sets the hook. */
static bool swallow(rt_escalation *e, int times, uint64_t ns, bool can_close) {
  bool sets = false, early = false;
  for (int i = 0; i < times; i++) {
    early = early || sets;
    sets =
        rt_escalation_checkpoint(e, 0, start + ns * (uint64_t)i / (uint64_t)(times - 1), can_close);
  }
  return sets && !early;
}

/* The same. True: none sets the hook. */
static bool is_tolerated(rt_escalation *e, int times, uint64_t ns) {
  bool sets = false;
  for (int i = 0; i < times; i++)
    sets |= rt_escalation_checkpoint(e, 0, start + ns * (uint64_t)i / (uint64_t)(times - 1), true);
  return !sets;
}

static void check_checkpoints(void) {
  rt_escalation few = {0}, fast = {0}, many = {0}, fixed = {0};
  uint64_t now = start + RT_ESCALATION_LIMIT;
  check("few errors at checkpoints are only raised",
        is_tolerated(&few, RT_ESCALATION_TIMES - 1, 10 * RT_ESCALATION_LIMIT));
  check("... and so are many in a short time",
        is_tolerated(&fast, 10 * RT_ESCALATION_TIMES, RT_ESCALATION_LIMIT - 1));
  check("many in a long time set the hook",
        swallow(&many, RT_ESCALATION_TIMES, RT_ESCALATION_LIMIT, true));
  check("... which closes the task", hook_at(&many, 0, now) == RT_ESCALATION_FORCE);
  check("what cannot be closed", swallow(&fixed, RT_ESCALATION_TIMES, RT_ESCALATION_LIMIT, false));
  check("... gets the error from the hook", hook_at(&fixed, 0, now) == RT_ESCALATION_RAISE);
  rt_escalation_checkpoint(&fixed, 0, now + RT_ESCALATION_PAUSE - 1, false);
  check("... and again after a pause, whatever its checkpoints raise meanwhile",
        hook_at(&fixed, 0, now + RT_ESCALATION_PAUSE) == RT_ESCALATION_RAISE);
  check("... and is forced when a second has passed",
        hook_at(&fixed, 0, now + RT_ESCALATION_LIMIT) == RT_ESCALATION_FORCE);
}

int main(void) {
  check_begin(60);
  check_reset();
  check_hook();
  check_closing();
  check_stopped_process();
  check_checkpoints();
  return check_end();
}
