/* diag/snapshot.h - a question to all workers: which tasks have you got?
**
** Whoever asks, on any thread, posts an inquiry to each worker and waits for the answers,
** but not for long: a worker that does not come on, in a C function, does not answer, and
** then what its face shows (roll.h) has to do.  An answer that comes too late is thrown
** away by who wrote it.
**
** It is a snapshot of each worker, but not of one moment for all of them.
*/
#ifndef RT_SURVEY_H
#define RT_SURVEY_H

#include "base/buf.h"
#include "diag/worker_registry.h"
#include "base/shared.h"

/* Whoever begins to answer just in time gets so much more. */
#define RT_ANSWER_TIME (50 * RT_MILLISECOND)

/* What is told of one task. */
typedef struct rt_fact {
  uint64_t id;
  int worker; /* which inquiry's; -1: none has begun it */
  rt_phase phase;
  rt_op op;
  bool runs; /* right now */
  bool is_main;
  double waited; /* for so many seconds, if it waits */
  /* texts of the same inquiry; 0: none */
  size_t site, name, trace;
} rt_fact;

/* The answer of one worker, which writes it alone until it says that it has answered. */
typedef struct rt_answer {
  rt_fact *facts;
  size_t count, room;
  rt_buf texts;
  int64_t left_out; /* so many tasks were too many */
} rt_answer;

typedef enum rt_asked { RT_ASKED, RT_ANSWERING, RT_ANSWERED, RT_NOT_ASKED } rt_asked;

typedef struct rt_inquiry {
  rt_post post;
  struct rt_survey *survey; /* held until it is answered */
  rt_answer answer;
  /* what its face showed */
  char name[24];
  bool was_asleep, may_block;
  uint64_t title;
  int load;    /* tasks, about */
  double held; /* seconds; 0: nobody has noticed */
  char site[96], label[64];
  bool heard; /* its answer is there, and stays; since the end of rt_survey_wait */
  /* under the survey's lock */
  rt_asked state;
} rt_inquiry;

typedef struct rt_survey {
  rt_thing thing;
  /* fixed */
  bool traces;
  uint64_t began;
  uint64_t until; /* answers should end by then; UINT64_MAX: they take their time */
  rt_inquiry *own;
  int count;
  rt_answer unbegun; /* jobs in the queues */
  /* under lock */
  rt_lock lock;
  rt_cond answered;
  bool closed; /* nobody wants to know any more */
  rt_inquiry of[];
} rt_survey;

/* any thread: asks all workers of this runtime (NULL: of the process), but the one with the
** face 'own', who is to answer own->answer itself.  NULL: no memory */
rt_survey *rt_survey_new(const rt_face *own, bool traces, uint64_t until);
/* Waits for the answers, but no longer; every other millisecond calls 'serve', if there is
** one. */
void rt_survey_wait(rt_survey *s, uint64_t until, void (*serve)(void *), void *arg);
/* Who asked has done with it. */
void rt_survey_drop(rt_survey *s);

/* The worker: it answers now (false: nobody wants to know any more); it has. */
bool rt_inquiry_begin(rt_inquiry *q);
void rt_inquiry_end(rt_inquiry *q);

/* Adds a fact; texts may be NULL.  NULL: no memory, and it is counted as left out. */
rt_fact *rt_answer_add(rt_answer *a, const rt_task *t, const char *site, const char *name);
static inline const char *rt_answer_text(const rt_answer *a, size_t text) {
  return text ? rt_buf_data(&a->texts) + text : NULL;
}

#endif
