--- What `busted` does; that command may be a shell script, which no host could run.
require("busted.runner") { standalone = false }
