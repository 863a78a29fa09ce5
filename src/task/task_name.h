/* task/task_name.h - the names that a program gives to tasks, where any thread can read them.
**
** A task that has stopped responding cannot be asked what it is called.
*/
#ifndef RT_LABEL_H
#define RT_LABEL_H

#include "base/list.h"

typedef struct rt_label {
  rt_list link;
  uint64_t id;
  char text[];
} rt_label;

rt_label *rt_label_new(uint64_t id, const char *text); /* NULL: no memory */
void rt_label_drop(rt_label *l);                       /* NULL: nothing */

/* any thread: the name of this task, or "".  A search: not for every day. */
void rt_label_find(uint64_t id, char *text, size_t size);

#endif
