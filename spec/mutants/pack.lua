--- Mutants of src/pack; spec/README.md explains an entry.
return {
  {
    file = "src/pack/pack.c",
    from = "    e->value = number;\n      e->tag = (unsigned char)i;\n",
    to = "    e->value = number;\n      e->tag = 1;\n",
    wrong = "functions that share an upvalue share the first one",
    ground = "pack",
  },
  {
    file = "src/pack/pack.c",
    from = "  if (used->again || used->code->upvalues > 1",
    to = "  if (used->code->upvalues > 1",
    wrong = "two functions of one message arrive as one",
    ground = "pack",
  },
  {
    file = "src/pack/pack.c",
    from = "} else if (i == (int16_t)i) {",
    to = "} else if (i == (uint16_t)i) {",
    wrong = "integers from 2^15 on arrive as negative ones",
    ground = "pack",
  },
  {
    file = "src/pack/pack.c",
    from = '  if (k->kept && travel->commit) raise_userdata(k, number, "a thing that only one task can have");\n',
    to = "",
    wrong = "a stream can be put where several tasks read it",
    spec = "shared_objects",
    test = "cannot be what only one can have",
  },
  {
    file = "src/pack/unpack.c",
    from = "  bool same = lua_rawequal(L, -1, -2);\n  lua_pop(L, 2);\n  return same;",
    to = "  lua_pop(L, 2);\n  return true;",
    wrong = "a function that is kept has the _ENV that a program has given it",
    ground = "pack",
  },
  {
    file = "src/pack/unpack.c",
    from = "      lua_rawseti(L, table, next++);\n",
    to = "      lua_rawseti(L, table, next + 1);\n      next++;\n",
    wrong = "the items of a list arrive one place too far",
    spec = "spawn_values",
    test = "copies the function, its upvalues",
  },
  {
    file = "src/pack/module_index.c",
    from = "  if (is_current(L, value)) return true;\n  lua_pop(L, 2);\n  return false;",
    to = "  (void)is_current;\n  return true;",
    wrong = "a function is sent by a name that another one has by now",
    ground = "pack",
  },
}
