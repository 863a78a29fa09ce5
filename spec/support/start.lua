--- Does what the command `busted` does, which may be a shell script that no host could run.
require("busted.runner") { standalone = false }
