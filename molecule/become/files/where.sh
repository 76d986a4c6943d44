#!/bin/sh
# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later
readlink /proc/self/ns/net
