#!/bin/sh
# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# download.sh RELEASE FOLDER [PACKAGE...]: download packages and their dependencies to FOLDER/packages.tar for a host whose
# /var/lib/dpkg/status is in FOLDER. By default: Docker Engine, the Python libraries and the apt module. The apt settings of
# this machine are used, and its state is unchanged.
set -eu
release=$1 folder=$2
shift 2
mkdir -p "$folder/state/lists/partial" "$folder/archives/partial"
# apt-get replaces the word itself.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror $release main" >"$folder/sources.list"
apt() {
    apt-get --quiet --quiet --yes -o Dir::State="$folder/state" -o Dir::State::status="$folder/status" \
        -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Cache="$folder" \
        -o Dir::Cache::archives="$folder/archives" -o APT::Sandbox::User=root "$@"
}
apt update
if [ $# = 0 ]; then
    set -- docker.io iptables python3-apt python3-docker python3-pyroute2
    [ "$release" = bookworm ] || set -- "$@" docker-cli
fi
apt install --download-only --no-install-recommends "$@"
(cd "$folder/archives" && tar --create --file "$folder/packages.tar.new" -- *.deb)
mv "$folder/packages.tar.new" "$folder/packages.tar"
rm -rf "$folder/state" "$folder/archives"
