# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill the tables that are derived from snapshots; derived.yml describes them."""

from __future__ import annotations

from typing import Any

# A rule for packets of established connections or of lo does not accept new connections from containers.
_NARROW = 'regexp_matches(text, \'ESTABLISHED|"established"| -i lo( |$)|"iifname"\\}\\},"right":"lo"\')'
_HOST_FIREWALL = f"""
INSERT INTO host_firewall
WITH own AS (
  SELECT host, netns FROM netns WHERE kind = 'host'
), rules AS (
  SELECT r.host, r.netns, r.backend, r.family, r."table", r.chain, r.position, r.target, r.target_chain, r.text,
         json_array_length(r."match") = 0 AS bare
  FROM firewall_rule r SEMI JOIN own o ON o.host = r.host AND o.netns = r.netns
  WHERE r."table" NOT IN ('nat', 'raw', 'mangle', 'security') OR r.backend = 'nft'
), openings AS (
  SELECT DISTINCT host, netns, backend, family, "table", chain FROM rules
  WHERE target IN ('accept', 'jump', 'goto', 'vmap', 'queue', 'nfqueue') AND NOT {_NARROW}
), base AS (
  SELECT c.host, c.netns, c.backend, c.family, c."table", c.chain, c.policy
  FROM firewall_chain c SEMI JOIN own o ON o.host = c.host AND o.netns = c.netns
  WHERE c.hook = 'forward' AND c.family IN ('ip', 'ip6', 'inet')
    AND (c."table" = 'filter' OR (c.backend = 'nft' AND c.type = 'filter'))
), docker AS (
  SELECT DISTINCT host, netns, backend, family, "table" FROM firewall_chain
  WHERE chain LIKE 'DOCKER%' OR "table" LIKE 'docker-%'
), ends AS (
  SELECT host, netns, backend, family, "table", chain, min(position) AS position FROM rules
  WHERE bare AND target IN ('drop', 'reject') GROUP BY ALL
), counted AS (
  SELECT b.host, b.netns, b.backend, b.family, b."table", b.chain, b.policy, e.position AS last,
         count(*) FILTER (
           r.position < coalesce(e.position, 2147483647) AND NOT {_NARROW}
           AND (r.target IN ('accept', 'vmap', 'queue', 'nfqueue')
             OR (r.target IN ('jump', 'goto') AND o.chain IS NOT NULL))
         ) AS accepts
  FROM base b
  LEFT JOIN ends e ON e.host = b.host AND e.netns = b.netns AND e.backend = b.backend AND e.family = b.family
    AND e."table" = b."table" AND e.chain = b.chain
  LEFT JOIN rules r ON r.host = b.host AND r.netns = b.netns AND r.backend = b.backend AND r.family = b.family
    AND r."table" = b."table" AND r.chain = b.chain
  LEFT JOIN openings o ON o.host = r.host AND o.netns = r.netns AND o.backend = r.backend AND o.family = r.family
    AND o."table" = r."table" AND o.chain = r.target_chain
  GROUP BY ALL
)
SELECT c.host, c.netns, unnest(CASE c.family WHEN 'inet' THEN ['ip', 'ip6'] ELSE [c.family] END), c.backend, c.family,
       c."table", c.chain, c.policy, d.host IS NOT NULL, c.policy IS NOT DISTINCT FROM 'drop' OR c.last IS NOT NULL,
       c.accepts
FROM counted c
LEFT JOIN docker d ON d.host = c.host AND d.netns = c.netns AND d.backend = c.backend AND d.family = c.family
  AND d."table" = c."table"
"""
# From version 27 on, the engine manages IPv6 rules by default. Compatible engines, such as Podman, have no network with
# the driver null, and other firewalls and bridges.
_BRIDGE_NETWORK = """
INSERT INTO bridge_network
WITH engines AS (
  SELECT e.host, coalesce(e.iptables, true) AS iptables, e.ip_masq, e.settings,
         coalesce(e.ip6tables, try_cast(regexp_extract(e.version, '^\\d+') AS INTEGER) >= 27, false) AS ip6tables
  FROM docker_engine e SEMI JOIN docker_network z ON z.host = e.host AND z.driver = 'null'
), pools AS (
  SELECT d.host, d.id, d.name, d.internal, d.options, d.ipv4, d.ipv6, unnest(d.ipam->'$[*]') AS pool,
         (d.options->>'com.docker.network.bridge.default_bridge') = 'true' AS standard
  -- A network of the whole Swarm has a bridge only on hosts that use it.
  FROM docker_network d WHERE d.driver = 'bridge' AND NOT d.config_only AND d.scope IS DISTINCT FROM 'swarm'
), counted AS (
  SELECT host, network_id, count(*) AS endpoints FROM docker_endpoint GROUP BY ALL
)
SELECT p.host, n.netns, p.id, p.name, (p.pool->>'subnet'), ip_family(p.pool->>'subnet'), (p.pool->>'gateway'),
       p.internal,
       coalesce(p.options->>('com.docker.network.bridge.gateway_mode_ipv' || ip_family(p.pool->>'subnet')), 'nat')
         AS mode,
       NOT p.internal AND mode LIKE 'nat%'
         AND coalesce(p.options->>'com.docker.network.bridge.enable_ip_masquerade', 'true') = 'true'
         AND NOT (coalesce(p.standard, false) AND coalesce(NOT e.ip_masq, false)),
       CASE ip_family(p.pool->>'subnet') WHEN 4 THEN e.iptables ELSE e.iptables AND e.ip6tables END,
       coalesce(i.name, p.options->>'com.docker.network.bridge.name', 'br-' || substr(p.id, 1, 12)),
       i.index, i.up, i.running, coalesce(c.endpoints, 0)
FROM pools p
JOIN engines e ON e.host = p.host
JOIN netns n ON n.host = p.host AND n.kind = 'host'
LEFT JOIN interface i ON i.host = n.host AND i.netns = n.netns AND i.kind = 'bridge' AND i.docker_network_id = p.id
LEFT JOIN counted c ON c.host = p.host AND c.network_id = p.id
WHERE (p.pool->>'subnet') IS NOT NULL
  -- A subnet of a disabled address family is recorded, but not used.
  AND CASE ip_family(p.pool->>'subnet') WHEN 4 THEN p.ipv4 ELSE p.ipv6 END IS DISTINCT FROM false
"""


def fill_derived_tables(database: Any) -> None:
    """Fill the derived tables from those of the snapshots; the macros must be defined."""
    for statement in (_HOST_FIREWALL, _BRIDGE_NETWORK):
        database.execute(statement)
