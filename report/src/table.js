// SPDX-FileCopyrightText: netfleet.docker contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// The table, for the page to take when one is to be shown.

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
