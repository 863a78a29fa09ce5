/* msg/message.h - values on their way from one state to another: bytes and things.
**
** One allocation, written once at one end and read at the other, or at several; what is in
** it when its last holder drops it is dropped with it.  What the bytes mean stands in
** wire.h; a reader trusts none of them.
*/
#ifndef RT_PACKET_H
#define RT_PACKET_H

#include "base/shared.h"

enum { RT_PACKET_FEW = 4 };
#define RT_PACKET_MOST ((size_t)1 << 30) /* bytes */

typedef struct rt_packet {
  rt_atomic(int) holders;
  uint32_t count, room; /* things */
  rt_thing **many;      /* where they are when there are more than a few */
  rt_thing *few[RT_PACKET_FEW];
  size_t len, cap;
  char bytes[];
} rt_packet;

rt_packet *rt_packet_new(void); /* NULL: no memory */
void rt_packet_drop(rt_packet *p);
/* The same, but true: nobody else holds it, it is small, and the caller has it as a new one. */
bool rt_packet_clear(rt_packet *p);

/* One more, of a packet that is complete: any number of threads may read it. */
static inline rt_packet *rt_packet_hold(rt_packet *p) {
  rt_add_relaxed(&p->holders, 1);
  return p;
}

/* Makes room for more bytes; may move the packet.  0, UV_ENOMEM, or UV_EMSGSIZE: too large */
int rt_packet_reserve(rt_packet **p, size_t more);

/* Gives back the room that is not used; may move the packet. */
void rt_packet_trim(rt_packet **p);

/* Adds a thing, which is the packet's then, as the last one.  0 or UV_ENOMEM */
int rt_packet_add(rt_packet *p, rt_thing *thing);

static inline rt_thing **rt_packet_things(rt_packet *p) { return p->many ? p->many : p->few; }

#endif
