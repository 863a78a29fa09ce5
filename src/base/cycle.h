/* base/cycle.h - frees shared objects that only hold each other.
**
** A channel whose buffer has a message with a reference to another channel, which has one with a
** reference to the first, would never be freed by counting references. So whenever a reference is
** dropped, others are left, none of these is a handle (a userdata of a Lua state), and the object
** has links (messages with references in them), rt_cycle_drop looks whether it can still be reached
** from outside: from a message that is on its way, or from an object that can.
**
** A kind of objects takes part by its rt_shared_content (base/shared.h):
**   has_links  Does the object hold other objects? Any thread; must be cheap. An operation that
**              makes this true calls rt_shared_note_link; a kind that cannot do that always says
**              true.
**   visit      Visits what the object holds, under its lock. Returns a number that is another one
**              after a message that holds shared objects was taken out. What it does not visit
**              counts as held from outside.
**   empty      Drops all messages. No other thread can use the object any more.
*/
#ifndef RT_BASE_CYCLE_H
#define RT_BASE_CYCLE_H

#include "base/message.h"

/* Collects the references that an object holds. */
typedef struct rt_cycle_visitor rt_cycle_visitor;

/* For 'visit': the object holds this message (NULL: none), or this object. False: it need not visit
** the rest. */
bool rt_cycle_visit_message(rt_cycle_visitor *v, rt_message *message);
bool rt_cycle_visit_object(rt_cycle_visitor *v, rt_shared *shared);

/* For rt_shared_content (rt_shared_drop_and_look). */
void rt_cycle_drop(rt_shared *shared, uint64_t what);

#endif
