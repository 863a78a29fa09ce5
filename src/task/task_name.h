/* task/task_name.h - the names that a program gives to tasks, where any thread can read them.
**
** A task that has stopped responding cannot be asked what it is called.
*/
#ifndef RT_TASK_TASK_NAME_H
#define RT_TASK_TASK_NAME_H

#include "base/list.h"

typedef struct rt_task_name {
  rt_list link;
  uint64_t id;
  char text[];
} rt_task_name;

rt_task_name *rt_task_name_new(uint64_t id, const char *text); /* NULL: no memory */
void rt_task_name_drop(rt_task_name *l);                       /* NULL: nothing */

/* any thread: the name of this task, or "".  A search: not for every day. */
void rt_task_name_find(uint64_t id, char *text, size_t size);

#endif
