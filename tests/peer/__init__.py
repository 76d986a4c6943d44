# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real modules on the real kernel, as root, each test in namespaces of its own."""
