#include "base/siphash.h"

typedef struct sip {
  uint64_t a, b, c, d;
} sip;

static inline uint64_t rotate_left(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline void sip_round(sip *s) {
  s->a += s->b, s->b = rotate_left(s->b, 13) ^ s->a, s->a = rotate_left(s->a, 32);
  s->c += s->d, s->d = rotate_left(s->d, 16) ^ s->c;
  s->a += s->d, s->d = rotate_left(s->d, 21) ^ s->a;
  s->c += s->b, s->b = rotate_left(s->b, 17) ^ s->c, s->c = rotate_left(s->c, 32);
}

static inline void sip_word(sip *s, uint64_t word) {
  s->d ^= word;
  sip_round(s);
  s->a ^= word;
}

uint64_t rt_siphash(const uint64_t seed[2], const void *key, size_t len, unsigned kind) {
  sip s = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
           seed[1] ^ 0x7465646279746573};
  const char *bytes = key;
  uint64_t word;
  size_t left = len;
  for (; left >= sizeof word; bytes += sizeof word, left -= sizeof word) {
    memcpy(&word, bytes, sizeof word);
    sip_word(&s, word);
  }
  word = (uint64_t)(len << 3 | kind) << 56;
  for (size_t i = 0; i < left; i++) word ^= (uint64_t)(unsigned char)bytes[i] << 8 * i;
  sip_word(&s, word);
  s.c ^= 0xff;
  for (int i = 0; i < 3; i++) sip_round(&s);
  return s.a ^ s.b ^ s.c ^ s.d;
}
