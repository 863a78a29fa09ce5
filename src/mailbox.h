/* mailbox.h - a list that anyone may append to, and the bell that wakes its reader.
**
** Posting is one swap; nothing is allocated, since what is posted brings its own
** link.  The bell is rung only for a reader that sleeps: it announces that it is
** about to, looks once more, and only then blocks; a poster first posts and then
** looks whether the reader sleeps.  Whichever comes second sees the other, so no
** wake-up is lost, and an awake reader costs no system call.
*/
#ifndef RT_MAILBOX_H
#define RT_MAILBOX_H

#include "base.h"

typedef struct rt_post {
  struct rt_post *next;
  void (*deliver)(struct rt_post *, void *reader); /* runs on the reader's thread */
} rt_post;

typedef struct rt_mailbox {
  /* fixed */
  void (*ring)(void *reader); /* any thread */
  void *reader;
  /* atomic */
  rt_atomic(rt_post *) newest;
  rt_atomic(bool) asleep;
} rt_mailbox;

void rt_mailbox_init(rt_mailbox *m, void (*ring)(void *), void *reader);

/* any thread */
void rt_mailbox_post(rt_mailbox *m, rt_post *p);

/* the reader: delivers what has come, oldest first; returns how many */
int rt_mailbox_drain(rt_mailbox *m);
/* the reader: true, it may block, and the bell will ring; false, there is post */
bool rt_mailbox_sleep(rt_mailbox *m);
/* the reader: it is awake */
void rt_mailbox_wake(rt_mailbox *m);

#endif
