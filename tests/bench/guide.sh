# shellcheck shell=sh
# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Commands of typical guides for each container.
set -eu
for name in "$@"; do
    pid=$(docker inspect --format '{{.State.Pid}}' "$name")
    nsenter --target "$pid" --net ip addr
    nsenter --target "$pid" --net ip route
    nsenter --target "$pid" --net iptables-save
done
