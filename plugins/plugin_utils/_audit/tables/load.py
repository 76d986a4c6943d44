# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots → tables: DuckDB reads the documents, some files at a time, so that no fleet is ever held in memory."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

VERSION = 1
# Why a list is not in a snapshot that was taken without it.
NOT_ASKED = "it was not asked for"
# Bytes of documents that are read at one time, and the most files of them.
_BATCH_BYTES = 192 * 1024 * 1024
_BATCH_FILES = 500
# The most that gzip makes of one byte; a file that says more of itself was cut off, or is none.
_RATIO = 1032
# How many read at a time; each is one that DuckDB gives no more than one processor to.
_READERS = 2
# What is kept free for the one object of a document that is larger than its file says.
_ROOM = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Broken:
    """A file that is no snapshot, or a second one of a host, and why."""

    file: str
    reason: str


def load(database: Any, files: Sequence[Path]) -> list[Broken]:
    """Fill the tables of an open DuckDB connection from snapshot files; return those that could not be loaded."""
    for statement in schema.definitions():
        database.execute(statement)
    whole = [file for file in files if _is_whole(file)]
    usable = set(whole)
    broken = [Broken(str(file), "is no whole gzip file") for file in files if file not in usable]
    database.execute("ATTACH ':memory:' AS staging")
    for batch in _batches(whole):
        broken += _load_batch(database, batch)
    database.execute("DETACH staging")
    return broken


def _is_whole(file: Path) -> bool:
    """Tell whether a file can be what it says of itself, so that nothing has to be made ready for it in vain."""
    try:
        with file.open("rb") as opened:
            return opened.read(2) == b"\x1f\x8b" and _document_size(file) <= _RATIO * file.stat().st_size
    except OSError:
        return False


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for file in files:
        batch.append(file)
        size += _document_size(file)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _document_size(file: Path) -> int:
    """Return the bytes of the document in a file as gzip's last four bytes have them, modulo 2³²."""
    try:
        with file.open("rb") as opened:
            opened.seek(-4, 2)
            return int(struct.unpack("<I", opened.read(4))[0])
    except (OSError, struct.error):
        return 0


def _load_batch(database: Any, batch: list[Path]) -> list[Broken]:
    """Load files at one stroke, or where one of them is broken, halve after halve until it is found."""
    import duckdb

    try:
        _stage(database, batch)
        broken = _take_out(database)
        database.execute("BEGIN")
        _fill(database)
        database.execute("COMMIT")
    except duckdb.Error as error:
        with contextlib.suppress(duckdb.TransactionException):
            database.execute("ROLLBACK")
        if len(batch) == 1:
            return [Broken(str(batch[0]), _first_line(error))]
        middle = len(batch) // 2
        return _load_batch(database, batch[:middle]) + _load_batch(database, batch[middle:])
    return broken


def _stage(database: Any, batch: list[Path]) -> None:
    """Read documents as they are into a table of this batch."""
    columns = {"file": "VARCHAR", "host_name": "VARCHAR", **schema.document()}
    typed = ", ".join(f"{schema.quoted(name)} {kind}" for name, kind in columns.items())
    database.execute(f"CREATE OR REPLACE TABLE staging.staged ({typed})")
    parts = [part for number in range(_READERS) if (part := batch[number::_READERS])]
    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(lambda part: _read(database.cursor(), part), parts))


def _read(database: Any, part: list[Path]) -> None:
    largest = max(_document_size(file) for file in part) + _ROOM
    database.execute(
        "INSERT INTO staging.staged SELECT filename,"
        " coalesce(host.name, regexp_replace(parse_filename(filename), '\\.json(\\.gz)?$', '')), *"
        " EXCLUDE (filename) FROM read_json($files, columns = $columns, filename = true, format = 'unstructured',"
        " maximum_object_size = $largest)",
        {"files": [str(file) for file in part], "columns": schema.document(), "largest": largest},
    )


def _take_out(database: Any) -> list[Broken]:
    """Take out what was read and cannot be used, and name it."""
    found = [
        Broken(file, f"is of version {version}, and this reads version {VERSION}")
        for file, version in _removed(database, f"version IS DISTINCT FROM {VERSION} OR host IS NULL")
    ]
    found += [
        Broken(file, "is a second snapshot of a host that has one here")
        for file, _version in _removed(
            database,
            "host_name IN (SELECT host FROM host) OR file NOT IN"
            " (SELECT min(file) FROM staging.staged GROUP BY host_name)",
        )
    ]
    return found


def _removed(database: Any, condition: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = database.execute(
        f"SELECT file, version FROM staging.staged WHERE {condition}"
    ).fetchall()
    database.execute(f"DELETE FROM staging.staged WHERE {condition}")
    return found


def _fill(database: Any) -> None:
    """Take apart what was read."""
    database.execute(
        "CREATE OR REPLACE TEMP TABLE staged_netns AS SELECT host_name, unnest(namespaces) AS ns FROM staging.staged"
    )
    netns = ", ".join(f"ns.{schema.quoted(name)}" for name in schema.columns("netns"))
    database.execute("INSERT INTO host SELECT host_name, unnest(host) FROM staging.staged")
    database.execute(f"INSERT INTO netns SELECT host_name, {netns} FROM staged_netns")
    database.execute(
        "INSERT INTO sysctl SELECT host_name, netns, unnest(entry) FROM"
        " (SELECT host_name, ns.netns AS netns, unnest(map_entries(ns.sysctls)) AS entry FROM staged_netns)"
    )
    for part, table in schema.OF_NETNS.items():
        database.execute(
            f"INSERT INTO {schema.quoted(table)} SELECT host_name, netns, unnest(entry) FROM"
            f" (SELECT host_name, ns.netns AS netns, unnest(ns.{part}) AS entry FROM staged_netns)"
        )
    for part, table in (("strays", "stray"), ("missing", "missing")):
        database.execute(_listed(part, table))
    for part in (*schema.OF_NETNS, "sysctls"):
        # What could not be read has said so itself, the firewall's lists and IPsec's under the name of both.
        database.execute(
            "INSERT INTO missing SELECT DISTINCT host_name, NULL, $part, 'missing', $reason FROM staged_netns"
            f" WHERE ns.kind = 'host' AND ns.{part} IS NULL AND (host_name, ns.netns) NOT IN"
            " (SELECT (host, netns) FROM missing WHERE list_contains($names, part) AND netns IS NOT NULL)",
            {"part": part, "reason": NOT_ASKED, "names": [part, part.partition("_")[0]]},
        )
    for part, table in schema.OF_DOCKER.items():
        database.execute(_listed(f"docker.{part}", table))
    database.execute(
        "INSERT INTO docker_engine SELECT host_name, unnest(docker.engine) FROM staging.staged"
        " WHERE docker.engine IS NOT NULL"
    )


def _listed(part: str, table: str) -> str:
    inner = f"SELECT host_name, unnest({part}) AS entry FROM staging.staged"
    return f"INSERT INTO {schema.quoted(table)} SELECT host_name, unnest(entry) FROM ({inner})"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
