#include "task/task_name.h"

static rt_lock names_lock = RT_LOCK_INIT;
static rt_list task_names = {&task_names, &task_names};

rt_task_name *rt_task_name_new(uint64_t id, const char *text) {
  size_t len = strlen(text) + 1;
  rt_task_name *n = rt_malloc(sizeof *n + len);
  if (n == NULL) return NULL;
  n->id = id;
  memcpy(n->text, text, len);
  rt_lock_take(&names_lock);
  rt_list_append(&task_names, &n->link);
  rt_lock_give(&names_lock);
  return n;
}

void rt_task_name_drop(rt_task_name *n) {
  if (n == NULL) return;
  rt_lock_take(&names_lock);
  rt_list_remove(&n->link);
  rt_lock_give(&names_lock);
  rt_free(n);
}

void rt_task_name_find(uint64_t id, char *text, size_t size) {
  *text = '\0';
  rt_lock_take(&names_lock);
  for (rt_list *l = task_names.next; l != &task_names && *text == '\0'; l = l->next) {
    const rt_task_name *n = rt_containerof(l, rt_task_name, link);
    if (n->id == id) strncat(text, n->text, size - 1);
  }
  rt_lock_give(&names_lock);
}
