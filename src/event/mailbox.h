/* event/mailbox.h - a list that anyone may append to, and the bell that wakes its reader.
**
** Posting is one swap; nothing is allocated, since what is posted brings its own
** link.  The bell is rung only for a reader that sleeps: before it blocks, it puts a mark
** where the newest post would be, which it can only while there is none; a poster that
** finds the mark there rings.  So no wake-up is lost, an awake reader costs no system
** call, and who does not ring has done with the mailbox when the post is there.
**
** A reader that goes cannot know who rings just then, but it knows how often it was rung
** for, and waits until that often somebody has.
*/
#ifndef RT_EVENT_MAILBOX_H
#define RT_EVENT_MAILBOX_H

#include "base/base.h"

typedef struct rt_post {
  struct rt_post *next;
  void (*deliver)(struct rt_post *, void *reader); /* runs on the reader's thread */
} rt_post;

typedef struct rt_mailbox {
  /* fixed */
  void (*ring)(void *reader); /* any thread */
  void *reader;
  rt_post mark; /* stands for a reader that sleeps */
  /* the reader */
  bool asleep;
  uint64_t owed; /* how often a poster found the mark */
  /* atomic */
  rt_atomic(rt_post *) newest;
  rt_atomic(uint64_t) rung;
} rt_mailbox;

void rt_mailbox_init(rt_mailbox *m, void (*ring)(void *), void *reader);
/* the reader: nobody posts any more; waits for those who still ring. */
void rt_mailbox_close(rt_mailbox *m);

/* any thread */
void rt_mailbox_post(rt_mailbox *m, rt_post *p);

/* the reader: delivers what has come, oldest first; returns how many */
int rt_mailbox_drain(rt_mailbox *m);
/* the reader: true, it may block, and the bell will ring; false, there is post */
bool rt_mailbox_sleep(rt_mailbox *m);
/* any thread: its reader sleeps, and no post is there */
bool rt_mailbox_is_quiet(rt_mailbox *m);
/* the reader: it is awake */
void rt_mailbox_wake(rt_mailbox *m);

#endif
