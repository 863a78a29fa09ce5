--- Mutants of src/cli; spec/README.md explains an entry.
return {
  {
    file = "src/cli/options.c",
    from = "workers < 1 || workers > 256)",
    to = "workers < 0 || workers > 256)",
    wrong = "--workers 0 is accepted",
    spec = "pool",
    test = "say how many",
  },
  {
    file = "src/cli/options.c",
    from = "      if (argv[*i] != NULL && argv[*i][0] != '-') return;",
    to = "      if (argv[*i] != NULL) return;",
    wrong = "-e takes the next option for its statement",
    spec = "options",
  },
  {
    file = "src/cli/main.c",
    from = "    if (arg[1] == 'W') lua_warning(L, \"@on\", 0);\n",
    to = "",
    wrong = "-W turns no warnings on",
    spec = "options",
  },
  {
    file = "src/cli/main.c",
    from = "    const char *extra = arg[2] ? arg + 2 : h->argv[++i];",
    to = "    const char *extra = h->argv[++i];",
    wrong = "-e must have a blank before its statement",
    spec = "options",
  },
  {
    file = "src/cli/repl.c",
    from = "    reset_errors(sh->worker);\n",
    to = "    if (sh->worker == NULL) reset_errors(sh->worker);\n",
    wrong = "after Ctrl-C the session ends",
    spec = "repl",
    test = "Ctrl%-C ends what was typed",
  },
  {
    file = "src/cli/repl.c",
    from = "if (!w->shutdown.deadline && !is_input_there()) wait_for_input(L, w);",
    to = "(void)wait_for_input, (void)L, (void)is_input_there;",
    wrong = "tasks stand still while the prompt waits for input",
    spec = "repl",
    test = "tasks run while it waits for input",
  },
}
