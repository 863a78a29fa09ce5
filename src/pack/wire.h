/* pack/wire.h - the format of a message: pack/pack.c writes it, pack/unpack.c reads it.
**
** A message is a header; the values; the contents of the objects, in the order of their numbers;
** and the heads of the objects, in the same order. Tables, functions, objects of rt and what is
** sent by name are objects. A value that is an object is written as its number, so cycles and
** shared references need nothing special, and neither side is recursive. The reader first makes all
** objects from the heads, then reads the values and the contents, and at last sets the metatables.
**
** Numbers have the byte order of the machine and are not aligned: a message does not leave the
** process.
*/
#ifndef RT_PACK_WIRE_H
#define RT_PACK_WIRE_H

#include "worker/compat.h"

#include <stdint.h>

typedef struct rt_wire_header {
  uint32_t values;     /* how many */
  uint32_t objects;    /* how many */
  uint32_t metatables; /* how many of the objects have one */
  uint32_t heads;      /* offset of the heads in the message */
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
  RT_WIRE_STRING,  /* u8 length, bytes */
  RT_WIRE_LONG,    /* u32 length, bytes */
  RT_WIRE_POINTER, /* light userdata */
  RT_WIRE_GLOBALS, /* the table of globals of the reader */
  RT_WIRE_OBJECT,  /* u32 number, from 1 */
  /* contents: of a table, values for the indices 1, 2, … and KEY, key, value, up to END; of a
     function, as many values as it has upvalues */
  RT_WIRE_KEY,
  RT_WIRE_END,
  RT_WIRE_UPVALUE_JOIN, /* in place of a value: upvalue u8 of function u32 */
  /* heads */
  RT_WIRE_TABLE,     /* u32 values without key, u32 with */
  RT_WIRE_FUNCTION,  /* u32 index of the shared object that is its code */
  RT_WIRE_PLAIN,     /* the same for a function with no upvalue but the globals: no contents */
  RT_WIRE_SHARED,    /* u32 index of the shared object that the object stands for */
  RT_WIRE_NAMED,     /* rt_wire_name, and the names of a module and a field */
  RT_WIRE_METATABLE, /* after a TABLE: its metatable, u32 number or 0: the globals */
  /* values whose tag has a number added */
  RT_WIRE_SHORT = 0x40, /* a string: its length is added, the bytes follow */
  RT_WIRE_SMALL = 0x80  /* an integer, which is added */
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
