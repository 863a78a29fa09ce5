/* cli/options.h - the command line of rt-lua: that of lua, and a little more. */
#ifndef RT_CLI_OPTIONS_H
#define RT_CLI_OPTIONS_H

#include <stdbool.h>

typedef struct rt_options {
  bool interactive, version, ignore_environment, has_statements;
  int script;        /* index in argv of the script's name; argc: there is none */
  int workers;       /* of the pool; 0: not said */
  const char *wrong; /* the argument that is no option; NULL: all is well */
  const char *why;   /* and what is wrong with it */
} rt_options;

/* "--help" and "--version" alone are answered here: true, there is nothing more to do. */
bool rt_options_answer(int argc, char **argv);
void rt_options_parse(rt_options *o, int argc, char **argv);
void rt_options_usage(const char *program, const rt_options *o); /* to stderr */

#endif
