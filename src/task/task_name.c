#include "task/task_name.h"

static rt_lock lock = RT_LOCK_INIT;
static rt_list labels = {&labels, &labels};

rt_task_name *rt_task_name_new(uint64_t id, const char *text) {
  size_t len = strlen(text) + 1;
  rt_task_name *l = rt_malloc(sizeof *l + len);
  if (l == NULL) return NULL;
  l->id = id;
  memcpy(l->text, text, len);
  rt_lock_take(&lock);
  rt_list_append(&labels, &l->link);
  rt_lock_give(&lock);
  return l;
}

void rt_task_name_drop(rt_task_name *l) {
  if (l == NULL) return;
  rt_lock_take(&lock);
  rt_list_remove(&l->link);
  rt_lock_give(&lock);
  rt_free(l);
}

void rt_task_name_find(uint64_t id, char *text, size_t size) {
  *text = '\0';
  rt_lock_take(&lock);
  for (rt_list *l = labels.next; l != &labels && *text == '\0'; l = l->next) {
    const rt_task_name *task_name = rt_containerof(l, rt_task_name, link);
    if (task_name->id == id) strncat(text, task_name->text, size - 1);
  }
  rt_lock_give(&lock);
}
