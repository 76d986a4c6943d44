// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The Graphviz library.

import { instance } from "@viz-js/viz";

globalThis.netfleetViz = instance;
