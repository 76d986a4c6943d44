# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL macros for rules: addresses as numbers, subnets as ranges."""

from __future__ import annotations

import re
from typing import Any

MACROS = """
-- The address family, 4 or 6, of an address or a subnet.
ip_family(address) AS CASE WHEN contains(address, ':') THEN 6 WHEN contains(address, '.') THEN 4 END;

ip4_number(address) AS
  list_reduce(list_transform(string_split(address, '.'), lambda g: g::UHUGEINT), lambda a, g: a * 256::UHUGEINT + g);

ip6_part(address, which) AS list_filter(string_split(split_part(address, '::', which), ':'), lambda g: g <> '');

-- Eight groups: the groups before the double colon, zeros, and the groups after it.
ip6_groups(head, tail) AS
  list_concat(list_concat(head, list_transform(range(8 - len(head) - len(tail)), lambda i: '0')), tail);

ip6_number(address) AS list_reduce(
  list_transform(ip6_groups(ip6_part(address, 1), ip6_part(address, 2)), lambda g: try_cast('0x' || g AS UHUGEINT)),
  lambda a, g: a * 65536::UHUGEINT + g
);

-- An address, with or without a prefix length, as a number.
ip(text) AS CASE ip_family(text)
  WHEN 4 THEN ip4_number(split_part(text, '/', 1))
  WHEN 6 THEN ip6_number(split_part(text, '/', 1))
END;

-- The number of addresses of a subnet minus one.
cidr_rest(cidr) AS CASE ip_family(cidr)
  WHEN 4 THEN 4294967295::UHUGEINT >> coalesce(try_cast(split_part(cidr, '/', 2) AS UHUGEINT), 32)
  WHEN 6 THEN 340282366920938463463374607431768211455::UHUGEINT
    >> coalesce(try_cast(split_part(cidr, '/', 2) AS UHUGEINT), 128)
END;

cidr_first(cidr) AS ip(cidr) - (ip(cidr) & cidr_rest(cidr));
cidr_last(cidr) AS cidr_first(cidr) + cidr_rest(cidr);

cidr_overlap(a, b) AS
  ip_family(a) = ip_family(b) AND cidr_first(a) <= cidr_last(b) AND cidr_first(b) <= cidr_last(a);

cidr_has(cidr, address) AS
  ip_family(cidr) = ip_family(address) AND ip(address) BETWEEN cidr_first(cidr) AND cidr_last(cidr);

-- Match a shell pattern of the policy; null matches all values.
glob_matches(value, pattern) AS pattern IS NULL OR coalesce(value GLOB pattern, false);
"""


def define_macros(database: Any) -> None:
    """Define the macros in an open DuckDB connection."""
    for macro in re.split(r";\n+", MACROS.strip().removesuffix(";")):
        database.execute(re.sub(r"^((?:--.*\n)*)", r"\1CREATE MACRO ", macro))
