# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the modules on the kernel of this machine, as root, each in its own namespaces."""
