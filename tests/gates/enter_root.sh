#!/bin/sh
# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# enter_root.sh ROOT CHECKOUT COMMAND...: run a command in the root file system in ROOT, with this machine's kernel, /proc,
# /sys and /dev, and the checkout at its own path. Requires a mount namespace of its own, which holds all mounts.
set -eu
root=$1 checkout=$2
shift 2
# runc changes the root of a container, which requires that its own root is a mount.
mount --bind "$root" "$root"
for folder in proc sys dev; do
    mount --rbind "/$folder" "$root/$folder"
done
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root$checkout" "$root/opt/ansible_collections/netfleet"
mount --bind "$checkout" "$root$checkout"
ln -sfn "$checkout" "$root/opt/ansible_collections/netfleet/docker"
cd "$root"
pivot_root . mnt
cd "$checkout"
umount --lazy /mnt
exec env --ignore-environment HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=/opt "$@"
