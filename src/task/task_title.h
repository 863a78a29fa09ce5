/* task/task_title.h - how reports name a task: "task 3 (reader), spawned at x.lua:4".
**
** One format for dumps, stall reports, unhandled errors and the SIGQUIT line. It calls no printf,
** so a signal handler can use it.
*/
#ifndef RT_TASK_TASK_TITLE_H
#define RT_TASK_TASK_TITLE_H

#include <stddef.h>
#include <stdint.h>

enum { RT_TASK_TITLE_MAX = 192 }; /* bytes: room for the longest id, name and site */

/* Any thread, and a signal handler. Writes a text at to[at], without a '\0', cut so that one of the
** 'size' bytes stays free for it. Returns where the text ends. */
size_t rt_task_title_append(char *to, size_t at, size_t size, const char *text);

/* The same for the last part of a title, ", spawned at …". A dump puts it behind what the task
** waits for. */
size_t rt_task_title_append_site(char *to, size_t at, size_t size, const char *site);

/* Any thread, and a signal handler. Writes the title and a '\0', cut to 'size' bytes; returns its
** length. 'name': NULL or "" if the task has none; 'site': NULL to leave out ", spawned at …". */
size_t rt_task_title_write(char *to, size_t size, uint64_t id, const char *name, const char *site);

#endif
