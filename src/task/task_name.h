/* task/task_name.h - the names that a program gives to tasks, in a list that any thread can read.
**
** The name of a task that is stuck cannot be read from its Lua state, which is in use. So a report
** of a stall reads the name from this list.
*/
#ifndef RT_TASK_TASK_NAME_H
#define RT_TASK_TASK_NAME_H

#include "base/list.h"

enum { RT_TASK_NAME_MAX = 255 }; /* bytes of a name, without the '\0' */

typedef struct rt_task_name {
  rt_list link;
  uint64_t id;
  char text[];
} rt_task_name;

/* Any thread: adds a name to the list. NULL: no memory. */
rt_task_name *rt_task_name_new(uint64_t id, const char *text);
/* Any thread: removes it from the list and frees it. Does nothing for NULL. */
void rt_task_name_drop(rt_task_name *n);

/* Any thread: copies the name of the task to 'text', or "" if it has none. O(number of names). */
void rt_task_name_find(uint64_t id, char *text, size_t size);

#endif
