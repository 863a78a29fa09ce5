#include "cli/options.h"

#include "base/base.h"

#include <lua.h>
#include <stdio.h>
#include <uv.h>

static const char usage[] =
    "usage: %s [options] [script [args]]\n"
    "\n"
    "Runs a Lua script with the rt runtime inside: as lua does, and\n"
    "'require \"rt\"' is there.  Options:\n"
    "  -e stat     execute string 'stat'\n"
    "  -i          enter interactive mode after executing 'script'\n"
    "  -l mod      require library 'mod' into global 'mod'\n"
    "  -l g=mod    require library 'mod' into global 'g'\n"
    "  -v          show version information\n"
    "  -E          ignore environment variables\n"
    "  -W          turn warnings on\n"
    "  --workers n run the tasks of rt.spawn on n threads (else: one a core, or RT_WORKERS)\n"
    "  --help      show this text\n"
    "  --version   show the versions of rt, Lua and libuv\n"
    "  --          stop handling options\n"
    "  -           stop handling options and execute stdin\n";

bool rt_options_answer(int argc, char **argv) {
  if (argc != 2) return false;
  if (strcmp(argv[1], "--help") == 0)
    printf(usage, argv[0]);
  else if (strcmp(argv[1], "--version") == 0)
    printf("rt-lua %s, %s, libuv %s\n", RT_VERSION, LUA_RELEASE, uv_version_string());
  else
    return false;
  return true;
}

void rt_options_usage(const char *program, const rt_options *o) {
  fprintf(stderr, "%s: ", program);
  fprintf(stderr, o->why, o->wrong);
  fputc('\n', stderr);
  fprintf(stderr, usage, program);
}

/* Is the option one letter alone? If not, 'wrong' is set to it. */
static bool is_alone(rt_options *o, const char *arg) {
  if (arg[2] == '\0') return true;
  o->wrong = arg;
  return false;
}

/* --workers n */
static void parse_workers(rt_options *o, const char *n) {
  char *end = NULL;
  long workers = n ? strtol(n, &end, 10) : 0;
  if (n == NULL || end == n || *end || workers < 1 || workers > 256) {
    o->wrong = "--workers";
    o->why = "'%s' needs a number from 1 to 256";
  }
  o->workers = (int)workers;
}

static void parse_one(rt_options *o, char **argv, int *i) {
  const char *arg = argv[*i];
  if (strcmp(arg, "--workers") == 0) {
    parse_workers(o, argv[++*i]);
    return;
  }
  switch (arg[1]) {
    case 'E': o->ignore_environment = is_alone(o, arg); return;
    case 'W': is_alone(o, arg); return;
    case 'i': o->interactive = o->version = is_alone(o, arg); return;
    case 'v': o->version = is_alone(o, arg); return;
    case 'e': o->has_statements = true; /* fall through */
    case 'l':
      if (arg[2] != '\0') return;
      ++*i;
      if (argv[*i] != NULL && argv[*i][0] != '-') return;
      o->why = "'%s' needs argument";
      break;
    default: break;
  }
  o->wrong = arg;
}

void rt_options_parse(rt_options *o, int argc, char **argv) {
  *o = (rt_options){.why = "unrecognized option '%s'"};
  int i;
  for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
    if (strcmp(argv[i], "--") == 0) {
      i++;
      break;
    }
    parse_one(o, argv, &i);
    if (o->wrong) return;
  }
  o->script = i;
}
