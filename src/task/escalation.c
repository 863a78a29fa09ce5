#include "task/escalation.h"

void rt_escalation_note(rt_escalation *e, uint64_t scope, uint64_t now) {
  if (!rt_escalation_was_raised(e, scope)) {
    e->hook = 0;
    e->first = now;
    e->times = 0;
  }
  e->scope = scope;
  e->last = now;
  e->calls = 0;
  e->closing = 0;
  if (e->times < UINT8_MAX) e->times++;
}

static bool is_ignored(const rt_escalation *e) {
  return e->times >= RT_ESCALATION_TIMES && e->last - e->first >= RT_ESCALATION_LIMIT;
}

bool rt_escalation_checkpoint(rt_escalation *e, uint64_t scope, uint64_t now, bool can_close) {
  uint64_t before = e->last;
  uint8_t calls = e->calls;
  rt_escalation_note(e, scope, now);
  if (!is_ignored(e)) return false;
  if (can_close) { /* the next hook closes the coroutine */
    e->hook = e->first;
  } else if (e->hook == 0) { /* the next hook raises the error: there is no pause */
    e->hook = e->last;
    e->last -= RT_ESCALATION_PAUSE;
    e->calls = RT_ESCALATION_CALLS;
  } else { /* errors at checkpoints do not prolong the pause between those of the hook */
    e->last = before;
    e->calls = calls;
  }
  return true;
}

/* The hook finds a __close active: may it go on? */
static bool may_close(rt_escalation *e, uint64_t now) {
  uint32_t ms = (uint32_t)(now / RT_MILLISECOND) | 1; /* (1: never 0) */
  if (e->closing == 0) {
    e->closing = ms;
    e->closing_calls = 0;
  }
  if (e->closing_calls < UINT8_MAX) e->closing_calls++;
  return e->closing_calls <= RT_ESCALATION_CALLS ||
         ms - e->closing < RT_ESCALATION_PAUSE / RT_MILLISECOND;
}

rt_escalation_step rt_escalation_hook(rt_escalation *e, uint64_t scope, uint64_t now,
                                      bool is_closing) {
  bool same = e->scope == scope;
  if (!is_closing)
    e->closing = 0;
  else if (may_close(e, now))
    return RT_ESCALATION_WAIT;
  if (same && e->hook != 0 && now - e->hook >= RT_ESCALATION_LIMIT) return RT_ESCALATION_FORCE;
  if (e->calls < UINT8_MAX) e->calls++;
  if (rt_escalation_was_raised(e, scope) &&
      (e->calls < RT_ESCALATION_CALLS || now - e->last < RT_ESCALATION_PAUSE))
    return RT_ESCALATION_WAIT;
  if (!same || e->hook == 0) {
    e->scope = scope;
    e->hook = now;
  }
  return RT_ESCALATION_RAISE;
}
