/* spec/ground/buf.c - base/buf.c: the byte buffer. Each byte depends on its position in the stream,
** so that a byte which is lost, doubled or moved is detected. */
#include "base/buf.h"
#include "check.h"

enum { MAX_PUT = 5000 };

typedef struct stream {
  rt_buf buf;
  uint64_t in, out; /* positions */
} stream;

static char byte_at(uint64_t position) { return (char)(position * 2654435761u >> 13); }

static void fill(char *to, uint64_t position, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = byte_at(position + i);
}

static bool is_right(const stream *s) {
  size_t len = rt_buf_len(&s->buf);
  if (len != s->in - s->out) return false;
  for (size_t i = 0; i < len; i++)
    if (rt_buf_data(&s->buf)[i] != byte_at(s->out + i)) return false;
  return true;
}

static void put(stream *s, size_t n) {
  char data[MAX_PUT];
  fill(data, s->in, n);
  must("there is memory", rt_buf_put(&s->buf, data, n) == 0);
  s->in += n;
}

static void write_in_place(stream *s, size_t n) {
  char *space = rt_buf_reserve(&s->buf, n);
  size_t used = n ? below(n + 1) : 0;
  must("there is memory", space != NULL);
  fill(space, s->in, n); /* all reserved bytes can be written */
  rt_buf_wrote(&s->buf, used);
  s->in += used;
}

static void drop(stream *s, size_t n) {
  rt_buf_drop(&s->buf, n);
  s->out += n;
}

static void check_chance(void) {
  stream s = {0};
  bool right = true;
  rt_buf_init(&s.buf);
  for (int i = 0; i < MANY(100000) && right; i++) {
    size_t len = rt_buf_len(&s.buf), n = below(one_in(10) ? MAX_PUT : 50);
    if (one_in(3))
      write_in_place(&s, n);
    else if (one_in(2) && len < 50000)
      put(&s, n);
    else
      drop(&s, one_in(20) ? len : below(len + 1));
    right = is_right(&s);
  }
  check("what goes in comes out, in order, whatever the mixture of sizes", right);
  rt_buf_close(&s.buf);
}

/* A reader that never empties the buffer must not make it grow. */
static void check_bound(void) {
  stream s = {0};
  size_t cap = 0;
  rt_buf_init(&s.buf);
  put(&s, 700);
  for (int i = 0; i < MANY(200000); i++) {
    put(&s, 300);
    drop(&s, 300);
    if (s.buf.cap > cap) cap = s.buf.cap;
  }
  check("a buffer that always holds a little stays small", cap <= 4096 && is_right(&s));
  drop(&s, rt_buf_len(&s.buf));
  check("an empty buffer has given its memory back", s.buf.base == NULL && s.buf.cap == 0);
  put(&s, 4000);
  cap = s.buf.cap;
  drop(&s, cap - 4000 + 1);
  put(&s, 2 * (cap - 4000) + 1);
  check("much is not moved to make room for a little", s.buf.cap > cap && is_right(&s));
  rt_buf_close(&s.buf);
}

static void check_edges(void) {
  stream s = {0};
  rt_buf_init(&s.buf);
  check("an empty buffer can be closed, and put nothing in",
        rt_buf_put(&s.buf, "", 0) == 0 && rt_buf_len(&s.buf) == 0);
  rt_buf_close(&s.buf);
  put(&s, 100);
  check("room for more than there can be is refused, and what is held stays",
        rt_buf_reserve(&s.buf, SIZE_MAX / 2) == NULL && rt_buf_reserve(&s.buf, SIZE_MAX) == NULL &&
            is_right(&s));
#if RT_DEBUG
  char data[MAX_PUT];
  rt_alloc_fail(1, 1);
  int err = rt_buf_put(&s.buf, data, sizeof data);
  rt_alloc_fail(0, 0);
  check("without memory nothing is put in, and nothing lost", err == -ENOMEM && is_right(&s));
#endif
  rt_buf_close(&s.buf);
}

int main(void) {
  check_begin(60);
  check_chance();
  check_bound();
  check_edges();
  return check_end();
}
