#!/bin/sh
# What the benchmarks need, and the peers that Debian packages; run as root.
# bench/run leaves out what is not there.
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends gcc make python3 valgrind iproute2 libuv1-dev \
  lua5.4 liblua5.4-dev luajit libluajit-5.1-dev lua-luv lua-cqueues lua-socket \
  golang-go erlang-base nodejs cargo librust-tokio-dev librust-socket2-dev
