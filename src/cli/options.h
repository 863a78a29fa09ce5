/* cli/options.h - the command line of rt-lua: the options of lua, and --workers, --help,
** --version. */
#ifndef RT_CLI_OPTIONS_H
#define RT_CLI_OPTIONS_H

#include <stdbool.h>

typedef struct rt_options {
  bool interactive, version, ignore_environment, has_statements;
  int script;        /* index in argv of the script's name; argc: there is none */
  int workers;       /* --workers: of the pool; 0: not given */
  const char *wrong; /* an argument that is not valid; NULL: all are */
  const char *why;   /* what is wrong with it */
} rt_options;

/* Prints the answer to "--help" or "--version", if that is the only argument. True: it was. */
bool rt_options_answer(int argc, char **argv);
void rt_options_parse(rt_options *o, int argc, char **argv);
void rt_options_usage(const char *program, const rt_options *o); /* to stderr */

#endif
