/* pack/wire.h - what the bytes of a message mean, to pack/pack.c that writes and pack/unpack.c that reads them.
**
** A header; the values; the contents of the objects, in the order of their numbers; the
** heads of the objects, in the same order.  Tables, functions, objects of rt and what goes by
** name are objects: a value that is one is its number, so that cycles and shared references
** need nothing special and nothing is recursive.  The reader first makes all objects, from
** the heads; then it reads the values and the contents; last it sets the metatables.
**
** Numbers are as the machine has them, and not aligned: a message does not leave the process.
*/
#ifndef RT_PACK_WIRE_H
#define RT_PACK_WIRE_H

#include "worker/compat.h"

#include <stdint.h>

typedef struct rt_wire_header {
  uint32_t values;     /* how many */
  uint32_t objects;    /* likewise */
  uint32_t metatables; /* how many of the objects have one */
  uint32_t heads;      /* where they begin */
} rt_wire_header;

typedef enum rt_wire {
  /* values */
  RT_WIRE_NIL,
  RT_WIRE_FALSE,
  RT_WIRE_TRUE,
  RT_WIRE_INT8, /* an integer, in as many bytes as it needs */
  RT_WIRE_INT16,
  RT_WIRE_INT32,
  RT_WIRE_INT64,
  RT_WIRE_NUMBER,  /* a float */
  RT_WIRE_STRING,  /* one byte of length */
  RT_WIRE_LONG,    /* four */
  RT_WIRE_POINTER, /* light userdata */
  RT_WIRE_GLOBALS, /* those of the reader */
  RT_WIRE_OBJECT,  /* u32 number, from 1 */
  /* contents: of a table, values for the indices 1, 2, … and KEY, key, value, up to END; of a
     function, as many values as it has upvalues */
  RT_WIRE_KEY,
  RT_WIRE_END,
  RT_WIRE_UPVALUE_JOIN, /* in place of a value: the upvalue is that of a function (u32), this one (u8) */
  /* heads */
  RT_WIRE_TABLE,     /* u32 values without key, u32 with */
  RT_WIRE_FUNCTION,  /* u32 thing that is its code */
  RT_WIRE_PLAIN,     /* the same, but it has no upvalue but perhaps _ENV: no contents */
  RT_WIRE_SHARED,    /* u32 thing that it stands for */
  RT_WIRE_NAMED,     /* rt_wire_name of what a module holds, and the two names */
  RT_WIRE_METATABLE, /* after a TABLE: its metatable, u32 number or 0: the globals */
  /* and values of one byte */
  RT_WIRE_SHORT = 0x40, /* a string, its length added */
  RT_WIRE_SMALL = 0x80  /* an integer, added */
} rt_wire;

typedef struct rt_wire_name {
  uint32_t module; /* length */
  uint32_t field;  /* length + 1; 0: the module itself */
} rt_wire_name;

enum {
  RT_WIRE_SHORTS = RT_WIRE_SMALL - RT_WIRE_SHORT, /* lengths below this */
  RT_WIRE_SMALLS = 0x100 - RT_WIRE_SMALL          /* integers below this */
};

#endif
