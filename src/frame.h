/* frame.h - the timeouts and shields that are open in a task.
**
** They nest as calls do: each knows the next outer one, and the task the innermost.
** A deadline that passes, like a cancel of the whole task, is a state and not an event:
** as long as the frame is open, every checkpoint inside raises, unless a shield stands
** between.  Of several that have passed the outermost counts, since the others end with
** it.
**
** A frame is owned by a userdata on the stack of its task's coroutine; whoever closes a
** coroutine from outside first closes its frames (rt_frame_close_all).
*/
#ifndef RT_FRAME_H
#define RT_FRAME_H

#include "driver.h"

typedef struct rt_frame {
  rt_timeout deadline;
  struct rt_frame *outer;
  rt_task *task; /* NULL: not open */
  rt_driver *driver;
  uint64_t serial; /* tells whose error it is that comes out of it */
  bool shield;
  bool passed; /* its deadline */
  bool raised; /* and some checkpoint inside has said so */
} rt_frame;

/* due: a tick of the wheel; RT_NEVER for a shield without a limit.  0 or UV_ENOMEM */
int rt_frame_open(rt_frame *f, rt_task *t, rt_driver *d, uint64_t due, bool shield);
void rt_frame_close(rt_frame *f);
void rt_frame_close_all(rt_task *t);

/* What unwinds this task: nothing, one of its frames, or a cancel of all of it. */
typedef enum rt_verdict { RT_GO_ON, RT_FRAME_PASSED, RT_TASK_CANCELLED } rt_verdict;
rt_verdict rt_frame_verdict(const rt_task *t, rt_frame **which);

/* Something has been cancelled: a parked task goes on if it is to hear of that. */
void rt_frame_tell(rt_task *t, rt_driver *d);

#endif
