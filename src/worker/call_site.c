#include "worker/call_site.h"

#include "base/base.h"
#include "worker/stack_check.h"

#include <limits.h>
#include <stdio.h>

enum { SIZE = RT_SIZE(4096, 8), TEXT = LUA_IDSIZE + 16 };

struct rt_call_site {
  int line;
  char source[LUA_IDSIZE];
  char text[TEXT];
};

void rt_call_sites_init(rt_call_sites *s) { *s = (rt_call_sites){0}; }

void rt_call_sites_close(rt_call_sites *s) {
  rt_free(s->entries);
  rt_call_sites_init(s);
}

/* Eight bytes at a time: the path of a script has some thirty, and each spawn comes here. The upper
** half of the product depends on all bits of a word. */
static uint32_t hash_line(const char *source, int line) {
  const uint64_t odd = 0x9e3779b97f4a7c15u;
  uint64_t h = (uint32_t)line * odd, word;
  size_t len = strlen(source);
  for (; len >= sizeof word; len -= sizeof word, source += sizeof word) {
    memcpy(&word, source, sizeof word);
    h = ((h ^ word) * odd) ^ (h >> 32);
  }
  for (; len > 0; len--) h = (h ^ (unsigned char)*source++) * odd;
  return (uint32_t)(h >> 32);
}

/* The entry of this line, or the free entry where it belongs; NULL: the table is full. */
static rt_call_site *find_entry(rt_call_sites *s, const char *source, int line) {
  uint32_t i = hash_line(source, line);
  for (uint32_t tries = 0; tries < SIZE; tries++, i++) {
    rt_call_site *e = &s->entries[1 + i % (SIZE - 1)];
    if (e->text[0] == '\0') return s->count < SIZE - SIZE / 4 ? e : NULL;
    if (e->line == line && strcmp(e->source, source) == 0) return e;
  }
  return NULL;
}

/* The number of this line; 0: there is no memory, or the table is full. */
static uint32_t add_site(rt_call_sites *s, const char *source, int line) {
  if (s->entries == NULL && (s->entries = rt_calloc(SIZE * sizeof *s->entries)) == NULL) return 0;
  rt_call_site *e = find_entry(s, source, line);
  if (e == NULL) return 0;
  if (e->text[0] == '\0') {
    s->count++;
    e->line = line;
    snprintf(e->source, sizeof e->source, "%s", source);
    if (line > 0)
      snprintf(e->text, sizeof e->text, "%s:%d", source, line);
    else
      snprintf(e->text, sizeof e->text, "%s", source);
  }
  return (uint32_t)(e - s->entries);
}

/* --- finding the caller's line ---------------------------------------------------------------- */
/* The names are compared by content: a function that came from another state has a copy. */
static bool is_library(const rt_call_sites *s, const lua_Debug *ar) {
  for (size_t i = 0; s->libraries[i].name; i++)
    if (s->libraries[i].len <= ar->srclen &&
        memcmp(s->libraries[i].name, ar->source, s->libraries[i].len) == 0)
      return true;
  return false;
}

/* The length of the folder in the name of a chunk "@folder/init.lua"; of another one its length. */
static size_t folder_len(const lua_Debug *ar) {
  static const char file[] = "init.lua";
  size_t len = strlen(file);
  bool is_init = ar->source[0] == '@' && ar->srclen > len &&
                 memcmp(ar->source + ar->srclen - len, file, len) == 0;
  return is_init ? ar->srclen - len : ar->srclen;
}

bool rtL_call_sites_push_library(lua_State *L, rt_call_sites *s, int level) {
  lua_Debug ar;
  size_t i = 0;
  if (!lua_getstack(L, level, &ar) || !lua_getinfo(L, "S", &ar)) return false;
  if (is_library(s, &ar)) return false; /* its folder is one, or it is loaded again */
  while (i < rt_countof(s->libraries) - 2 && s->libraries[i].name) i++; /* the last stays NULL */
  lua_pushlstring(L, ar.source, ar.srclen);
  s->libraries[i].name = lua_tostring(L, -1);
  s->libraries[i].len = folder_len(&ar);
  return true;
}

/* Fills 'ar' with the first function from this level on that is neither in C nor in a library. */
static bool find_caller(lua_State *L, rt_call_sites *s, int level, lua_Debug *ar) {
  for (; lua_getstack(L, level, ar) && lua_getinfo(L, "Sl", ar); level++)
    if (ar->what[0] != 'C' && !is_library(s, ar)) return true;
  return false;
}

uint32_t rt_call_site_here(lua_State *L, rt_call_sites *s, int level) {
  lua_Debug ar;
  if (!find_caller(L, s, level, &ar)) return 0;
  return add_site(s, ar.short_src, ar.currentline);
}

void rtL_call_site_where(lua_State *L, rt_call_sites *s, int level) {
  RTL_STACK_CHECK(L, +1);
  lua_Debug ar;
  if (find_caller(L, s, level, &ar) && ar.currentline > 0)
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
  else
    lua_pushliteral(L, "");
}

int rtL_call_site_error(lua_State *L, rt_call_sites *s, const char *form, ...) {
  va_list args;
  va_start(args, form);
  rtL_call_site_where(L, s, 1);
  lua_pushvfstring(L, form, args);
  va_end(args);
  lua_concat(L, 2);
  return lua_error(L);
}

uint32_t rt_call_site_named(rt_call_sites *s, const char *text) {
  char source[LUA_IDSIZE], *end = "";
  const char *colon = strrchr(text, ':');
  long line = colon ? strtol(colon + 1, &end, 10) : 0;
  bool has_line = line > 0 && line <= INT_MAX && *end == '\0';
  int len = has_line ? (int)(colon - text) : (int)strlen(text);
  if (strcmp(text, "?") == 0) return 0;
  snprintf(source, sizeof source, "%.*s", len, text);
  return add_site(s, source, has_line ? (int)line : 0);
}

const char *rt_call_site_text(const rt_call_sites *s, uint32_t site) {
  return site == 0 || s->entries == NULL ? "?" : s->entries[site].text;
}
