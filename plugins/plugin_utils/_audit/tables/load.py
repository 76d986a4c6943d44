# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load snapshots into tables. DuckDB reads the files in batches to limit the memory."""

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
# Reason for a list that a snapshot does not include.
NOT_ASKED = "not requested"
# Reason for a table besides the snapshots that was not collected, because it is optional.
NOT_COLLECTED = "not collected"
# Maximum size of a batch in bytes and files.
_BATCH_BYTES = 192 * 1024 * 1024
_BATCH_FILES = 500
# Maximum compression ratio of gzip; a file with a larger size in its trailer is truncated or not a gzip file.
_RATIO = 1032
# Number of parallel readers; DuckDB uses one processor for each.
_READERS = 2
# Reserve for the size of a document, in bytes.
_ROOM = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class BrokenSnapshot:
    """A file that is not a valid snapshot, or a second snapshot of a host, and the reason."""

    file: str
    reason: str


def load_snapshots(database: Any, files: Sequence[Path]) -> list[BrokenSnapshot]:
    """Create and fill the tables of an open DuckDB connection; return the files that could not be loaded."""
    for statement in schema.build_create_statements():
        database.execute(statement)
    whole = [file for file in files if _is_whole(file)]
    usable = set(whole)
    broken = [BrokenSnapshot(str(file), "not a complete gzip file") for file in files if file not in usable]
    database.execute("ATTACH ':memory:' AS staging")
    for batch in _split_batches(whole):
        broken += _load_batch(database, batch)
    database.execute("DETACH staging")
    return broken


def _is_whole(file: Path) -> bool:
    """Return whether the size in the trailer of a gzip file is plausible."""
    try:
        with file.open("rb") as opened:
            return opened.read(2) == b"\x1f\x8b" and _read_document_size(file) <= _RATIO * file.stat().st_size
    except OSError:
        return False


def _split_batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for file in files:
        batch.append(file)
        size += _read_document_size(file)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_document_size(file: Path) -> int:
    """Return the uncompressed size of a gzip file from its trailer, modulo 2³²."""
    try:
        with file.open("rb") as opened:
            opened.seek(-4, 2)
            return int(struct.unpack("<I", opened.read(4))[0])
    except (OSError, struct.error):
        return 0


def _load_batch(database: Any, batch: list[Path]) -> list[BrokenSnapshot]:
    """Load a batch of files; if one is invalid, divide the batch until it is found."""
    import duckdb

    try:
        _stage_documents(database, batch)
        broken = _remove_broken_hosts(database)
        database.execute("BEGIN")
        _fill_tables(database)
        database.execute("COMMIT")
    except duckdb.Error as error:
        with contextlib.suppress(duckdb.TransactionException):
            database.execute("ROLLBACK")
        if len(batch) == 1:
            return [BrokenSnapshot(str(batch[0]), _get_first_line(error))]
        middle = len(batch) // 2
        return _load_batch(database, batch[:middle]) + _load_batch(database, batch[middle:])
    return broken


def _stage_documents(database: Any, batch: list[Path]) -> None:
    """Read the documents of a batch into the staging table."""
    columns = {"file": "VARCHAR", "host_name": "VARCHAR", **schema.build_snapshot_types()}
    typed = ", ".join(f"{schema.quote_identifier(name)} {kind}" for name, kind in columns.items())
    database.execute(f"CREATE OR REPLACE TABLE staging.staged ({typed})")
    parts = [part for number in range(_READERS) if (part := batch[number::_READERS])]
    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(lambda part: _read_documents(database.cursor(), part), parts))


def _read_documents(database: Any, part: list[Path]) -> None:
    largest = max(_read_document_size(file) for file in part) + _ROOM
    database.execute(
        "INSERT INTO staging.staged SELECT filename,"
        " coalesce(host.name, regexp_replace(parse_filename(filename), '\\.json(\\.gz)?$', '')), *"
        " EXCLUDE (filename) FROM read_json($files, columns = $columns, filename = true, format = 'unstructured',"
        " maximum_object_size = $largest)",
        {"files": [str(file) for file in part], "columns": schema.build_snapshot_types(), "largest": largest},
    )


def _remove_broken_hosts(database: Any) -> list[BrokenSnapshot]:
    """Remove documents that cannot be used from the staging table, and return the reasons."""
    found = [
        BrokenSnapshot(file, f"version {version} is not supported; must be {VERSION}")
        for file, version in _remove_hosts(database, f"version IS DISTINCT FROM {VERSION} OR host IS NULL")
    ]
    found += [
        BrokenSnapshot(file, "second snapshot of the same host")
        for file, _version in _remove_hosts(
            database,
            "host_name IN (SELECT host FROM host) OR file NOT IN"
            " (SELECT min(file) FROM staging.staged GROUP BY host_name)",
        )
    ]
    return found


def _remove_hosts(database: Any, condition: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = database.execute(
        f"SELECT file, version FROM staging.staged WHERE {condition}"
    ).fetchall()
    database.execute(f"DELETE FROM staging.staged WHERE {condition}")
    return found


def _fill_tables(database: Any) -> None:
    """Insert the staged documents into the tables."""
    database.execute(
        "CREATE OR REPLACE TEMP TABLE staged_netns AS SELECT host_name, unnest(namespaces) AS ns FROM staging.staged"
    )
    netns = ", ".join(f"ns.{schema.quote_identifier(name)}" for name in schema.get_columns("netns"))
    database.execute("INSERT INTO host SELECT host_name, unnest(host) FROM staging.staged")
    database.execute(f"INSERT INTO netns SELECT host_name, {netns} FROM staged_netns")
    database.execute(
        "INSERT INTO sysctl SELECT host_name, netns, unnest(entry) FROM"
        " (SELECT host_name, ns.netns AS netns, unnest(map_entries(ns.sysctls)) AS entry FROM staged_netns)"
    )
    for part, table in schema.NAMESPACE_LISTS.items():
        database.execute(
            f"INSERT INTO {schema.quote_identifier(table)} SELECT host_name, netns, unnest(entry) FROM"
            f" (SELECT host_name, ns.netns AS netns, unnest(ns.{part}) AS entry FROM staged_netns)"
        )
    for part, table in (("strays", "stray"), ("missing", "missing")):
        database.execute(_build_list_select(part, table))
    for part in (*schema.NAMESPACE_LISTS, "sysctls"):
        # Unreadable lists are already recorded; those of the firewall and of IPsec under a common name.
        database.execute(
            "INSERT INTO missing SELECT DISTINCT host_name, NULL, $part, 'missing', $reason FROM staged_netns"
            f" WHERE ns.kind = 'host' AND ns.{part} IS NULL AND (host_name, ns.netns) NOT IN"
            " (SELECT (host, netns) FROM missing WHERE list_contains($names, part) AND netns IS NOT NULL)",
            {"part": part, "reason": NOT_ASKED, "names": [part, part.partition("_")[0]]},
        )
    for part, table in schema.DOCKER_LISTS.items():
        database.execute(_build_list_select(f"docker.{part}", table))
    database.execute(
        "INSERT INTO docker_engine SELECT host_name, unnest(docker.engine) FROM staging.staged"
        " WHERE docker.engine IS NOT NULL"
    )


def _build_list_select(part: str, table: str) -> str:
    inner = f"SELECT host_name, unnest({part}) AS entry FROM staging.staged"
    return f"INSERT INTO {schema.quote_identifier(table)} SELECT host_name, unnest(entry) FROM ({inner})"


def _get_first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
