#include "run/current.h"

#include "task/task_title.h"

size_t rt_current_append_title(char *to, size_t at, size_t size, const rt_worker *w) {
  const rt_task *t = w->current.task;
  at = rt_task_title_append(to, at, size, "main runs ");
  if (t == NULL) return rt_task_title_append(to, at, size, "no task");
  if (t->is_main) return rt_task_title_append(to, at, size, "the main chunk");
  return at + rt_task_title_write(to + at, size - at, t->id, NULL,
                                  rt_call_site_text(&w->call_sites, t->site));
}
