/* event/mailbox.h - a queue to which any thread can post, and a bell that wakes its reader.
**
** A post is a struct of the poster, linked into the queue: posting allocates nothing, and cannot
** fail. The bell is rung only for a reader that sleeps, so a post to a reader that is awake costs
** no system call. Why no wake-up is lost: see mailbox.c.
**
** Each worker has a mailbox, in its driver; the bell is the driver's uv_async.
*/
#ifndef RT_EVENT_MAILBOX_H
#define RT_EVENT_MAILBOX_H

#include "base/base.h"

typedef struct rt_post {
  struct rt_post *next;
  /* Called on the reader's thread. From then on the mailbox does not use the post. */
  void (*deliver)(struct rt_post *, void *reader);
} rt_post;

typedef struct rt_mailbox {
  /* fixed */
  void (*ring)(void *reader); /* any thread: wakes the reader, or keeps it from falling asleep */
  void *reader;               /* the argument of 'ring' and 'deliver' */
  rt_post mark;               /* is in 'newest' while the reader sleeps */
  /* reader's thread */
  bool asleep;
  uint64_t rings_due; /* how many posters are known to have found the mark, and so ring the bell */
  /* atomic */
  rt_atomic(rt_post *) newest; /* leads to the older posts; NULL: no post; or the mark */
  rt_atomic(uint64_t) rings;   /* how many posters have rung the bell and have returned from that */
} rt_mailbox;

void rt_mailbox_init(rt_mailbox *m, void (*ring)(void *), void *reader);

/* Reader's thread, when no thread posts any more: waits for threads that have posted and are still
** ringing the bell. */
void rt_mailbox_close(rt_mailbox *m);

/* Any thread, and signal handlers. The post may be delivered before this returns. */
void rt_mailbox_post(rt_mailbox *m, rt_post *p);

/* Reader's thread: delivers the posts that are there, the oldest first; returns how many. A post
** that comes meanwhile is for the next drain. */
int rt_mailbox_drain(rt_mailbox *m);

/* Reader's thread, before it blocks. True: it may block, and the next post rings the bell. False:
** there is a post. */
bool rt_mailbox_sleep(rt_mailbox *m);

/* Reader's thread, after it has blocked (or after rt_mailbox_sleep was false). */
void rt_mailbox_wake(rt_mailbox *m);

/* Any thread: is the mailbox asleep? That is: the reader blocks or is about to, and there is no
** post (the mark is in it). */
bool rt_mailbox_is_asleep(rt_mailbox *m);

#endif
