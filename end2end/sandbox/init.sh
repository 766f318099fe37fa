#!/bin/sh
# The first process of a sandbox: runs in mount, network, process and IPC namespaces of its own, sets
# them up, says "ready" and waits until its standard input ends, as it does when the test is gone. When
# it ends itself, the kernel ends everything in them.
#
# init.sh MIRROR-ADDRESS FOLDER, where FOLDER is an empty one of the sandbox's
set -eu

ip link set lo up
ip address add "$1/32" dev lo

# What the program adds to /etc (the web process's user, say) is gone with the sandbox.
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$2/upper,workdir=$2/work" /etc

echo ready
exec cat >/dev/null
