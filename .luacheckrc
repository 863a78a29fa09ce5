std = "min" -- what all versions of Lua have
max_line_length = 120
read_globals = { table = { fields = { "unpack", "pack" } } }
files["spec"] = { max_line_length = false, std = "lua54+busted", ignore = { "211/.*", "212", "213", "231", "311", "331", "411", "431", "432", "421", "511", "512", "542" } }
-- (tasks of one worker share its globals, which some programs of specs are about)
files["spec/programs"] = { allow_defined = true }
files["examples"] = { std = "lua54" }
files["bench"] = { std = "lua54", ignore = { "212", "213", "211", "431", "421", "432", "631", "314" } }
files["library"] = { std = "lua54", ignore = { "2", "6" } }
files["docs"] = { std = "lua54" }
files["spec/oom"] = { ignore = { "2", "3", "4", "5" } }
files["spec/programs/errors"] = { globals = { "first" } }
files["spec/programs/require"] = { globals = { "loads" } }
files["spec/ground/pack.lua"] = { globals = { "mark", "answer", "config", "config_of", "finalized", "loads" } }
exclude_files = { "build" }
