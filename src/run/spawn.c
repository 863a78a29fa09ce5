#include "run/spawn.h"

#include "pack/pack.h"
#include "run/cancel.h"
#include "run/preempt.h"

const rt_shared_kind rt_spawn_kind = {"task", rt_job_free, RT_CLASS_JOB, NULL};

rt_sched *rtL_spawn_open_pool(lua_State *L, rt_worker *w, rt_pool which) {
  RTL_ENTER(L, w, 0);
  if (w->stop.closed || w->stop.begun) rtL_cancel_at_end(L, w);
  if (w->pools[which] == NULL && w->slot == NULL) w->hooks->open_pools(L, w);
  if (w->pools[which] == NULL) rtL_cancel_at_end(L, w);
  rt_preempt_need(w); /* a task there can ask this worker to exit, which may never wait */
  return w->pools[which];
}

rt_sched *rtL_spawn_pool(lua_State *L, rt_worker *w, rt_pool which) {
  RTL_ENTER(L, w, 0);
  rt_sched *s = rtL_spawn_open_pool(L, w, which);
  int err = rt_sched_start(s);
  if (err == UV_ECANCELED) rtL_cancel_at_end(L, w);
  if (err != 0) rtL_error_system(L, "cannot start a worker", err);
  return s;
}

rt_job *rtL_spawn_make(lua_State *L, rt_worker *w, rt_sched *s, rt_group *group, int first) {
  RTL_ENTER(L, w, first - lua_gettop(L));
  uint32_t site = rt_worker_site(L, w, 1);
  rt_shared_ref *handle = rtL_class_new(L, &w->classes, RT_CLASS_JOB, sizeof *handle, 0);
  lua_insert(L, first);
  rt_message *call = rtL_pack(L, w, first + 1, RT_PACK_CALL);
  rt_job *j = rt_job_new(&rt_spawn_kind, s->config.runtime, rt_worker_next_id(w),
                         rt_call_site_text(&w->call_sites, site), call);
  if (j == NULL) {
    rt_message_drop(call);
    rtL_error_no_memory(L);
  }
  handle->shared = &j->shared;
  lua_settop(L, first);
  if (group && !rt_group_enter(group, &j->member, &j->shared)) rt_job_cancel(j, NULL);
  return j;
}

static int submit(rt_worker *w, rt_sched *s, rt_job *j, int slot) {
  if (slot >= 0) return rt_sched_submit_to(s, j, slot);
  bool own = slot == RT_ANY_SLOT && w->slot && w->slot->sched == s;
  return rt_sched_submit(s, j, own ? w->slot : NULL);
}

bool rtL_spawn_submit(lua_State *L, rt_worker *w, rt_sched *s, rt_job *j, int slot) {
  RTL_ENTER(L, w, 0);
  bool born_cancelled = rt_job_phase(j) == RT_CANCELLED; /* its group was: no worker begins it */
  if (!born_cancelled) rt_job_hold(j);
  rt_trace(rt_worker_number(w), "spawn", j->id, j->site);
  rt_worker_count(w, RT_COUNT_SPAWNED, 1); /* before a worker can begin it */
  int err = born_cancelled ? 0 : submit(w, s, j, slot);
  if (err == 0) return true;
  rt_job_drop(j);
  if (err == UV_EAGAIN &&
      slot < 0) { /* (else it says why the thread of the slot was not started) */
    rt_worker_count(w, RT_COUNT_SPAWNED, (uint64_t)-1); /* the caller may try again */
    return false;
  }
  rt_group_forget(&j->member);
  rt_job_cancel(j, NULL); /* it leaves its group */
  if (err == UV_ECANCELED) rtL_cancel_at_end(L, w);
  rtL_error_system(L, "cannot queue a task", err);
}
