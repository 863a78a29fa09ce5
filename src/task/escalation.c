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
  e->times++;
}

static bool is_ignored(const rt_escalation *e) {
  return e->times >= RT_ESCALATION_TIMES && e->last - e->first >= RT_ESCALATION_LIMIT;
}

bool rt_escalation_checkpoint(rt_escalation *e, uint64_t scope, uint64_t now, bool can_close) {
  uint64_t before = e->last;
  uint32_t calls = e->calls;
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

rt_escalation_step rt_escalation_hook(rt_escalation *e, uint64_t scope, uint64_t now) {
  bool same = e->scope == scope;
  if (same && e->hook != 0 && now - e->hook >= RT_ESCALATION_LIMIT) return RT_ESCALATION_FORCE;
  if (rt_escalation_was_raised(e, scope) &&
      (++e->calls < RT_ESCALATION_CALLS || now - e->last < RT_ESCALATION_PAUSE))
    return RT_ESCALATION_WAIT;
  if (!same || e->hook == 0) {
    e->scope = scope;
    e->hook = now;
  }
  return RT_ESCALATION_RAISE;
}
