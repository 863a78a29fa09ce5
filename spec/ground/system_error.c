/* spec/ground/system_error.c - base/system_error.c: names and texts of errors. */
#include "base/base.h"
#include "check.h"

#include <stdio.h>
#include <uv.h>

enum { LAST = 133 }; /* EHWPOISON of Linux */

static bool is_name(const char *name) {
  return name[0] == 'E' && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(name);
}

static bool is(int err, const char *name, const char *text) {
  return strcmp(rt_system_error_name(err), name) == 0 &&
         strcmp(rt_system_error_text(err), text) == 0;
}

int main(void) {
  check_begin(10);
  int nameless = 0, bad_names = 0, bad_texts = 0, shared = 0;
  for (int number = 1; number <= LAST; number++) {
    const char *name = rt_system_error_name(-number);
    bad_texts += strstr(rt_system_error_text(-number), "nknown system error") != NULL;
    if (strcmp(name, "UNKNOWN") == 0) {
      nameless++;
      continue;
    }
    bad_names += !is_name(name);
    for (int other = 1; other < number; other++)
      shared += strcmp(name, rt_system_error_name(-other)) == 0;
  }
  check("names are in capital letters", bad_names == 0);
  check("no two errors share one", shared == 0);
  check("libuv's text for what it does not know is never used", bad_texts == 0);
#ifdef __linux__
  check("all have a name, but for two numbers that Linux does not use", nameless == 2);
  check("errors that libuv knows have its words",
        is(-ENOENT, "ENOENT", "no such file or directory"));
  check("others have those of the system", is(-ENOSR, "ENOSR", strerror(ENOSR)));
#endif
  check("errors of libuv's own have names", is(UV_EAI_AGAIN, "EAI_AGAIN", "temporary failure"));
  check("what is no error has none", strcmp(rt_system_error_name(-99999), "UNKNOWN") == 0);
  return check_end();
}
