// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Graphviz, for the page to take when a picture is to be drawn.

import { instance } from "@viz-js/viz";

globalThis.netfleetViz = instance;
