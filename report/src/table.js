// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The Tabulator library with the modules that the page uses.

import {
  FilterModule,
  FormatModule,
  GroupRowsModule,
  InteractionModule,
  ResizeTableModule,
  SortModule,
  Tabulator,
} from "tabulator-tables";

Tabulator.registerModule([
  FilterModule,
  FormatModule,
  GroupRowsModule,
  InteractionModule,
  ResizeTableModule,
  SortModule,
]);

globalThis.netfleetTable = Tabulator;
