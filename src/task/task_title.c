#include "task/task_title.h"

size_t rt_task_title_append(char *to, size_t at, size_t size, const char *text) {
  while (*text && at + 1 < size) to[at++] = *text++;
  return at;
}

static size_t append_number(char *to, size_t at, size_t size, uint64_t n) {
  char digits[24], *first = digits + sizeof digits - 1;
  *first = '\0';
  do *--first = (char)('0' + n % 10);
  while ((n /= 10) > 0);
  return rt_task_title_append(to, at, size, first);
}

size_t rt_task_title_append_site(char *to, size_t at, size_t size, const char *site) {
  at = rt_task_title_append(to, at, size, ", spawned at ");
  return rt_task_title_append(to, at, size, site);
}

size_t rt_task_title_write(char *to, size_t size, uint64_t id, const char *name, const char *site) {
  size_t n = rt_task_title_append(to, 0, size, "task ");
  n = append_number(to, n, size, id);
  if (name && *name) {
    n = rt_task_title_append(to, n, size, " (");
    n = rt_task_title_append(to, n, size, name);
    n = rt_task_title_append(to, n, size, ")");
  }
  if (site) n = rt_task_title_append_site(to, n, size, site);
  to[n] = '\0';
  return n;
}
