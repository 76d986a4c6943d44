# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions that a host must meet for a rule: a host that does not meet one is not checked, with the cause."""

from __future__ import annotations

from collections.abc import Mapping

# Each query returns the hosts that do not meet the requirement, and the cause.
_INPUT = """
  SELECT DISTINCT c.host, 'firewall: table ' || c.family || ' ' || c."table" || ' of nftables is not evaluated'
  FROM firewall_chain c
  JOIN netns n ON n.host = c.host AND n.netns = c.netns AND n.kind = 'host'
  LEFT JOIN firewall_rule r ON r.host = c.host AND r.netns = c.netns AND r.backend = 'nft' AND r.family = c.family
    AND r."table" = c."table" AND r.target IN ('drop', 'reject', 'jump', 'goto', 'vmap', 'queue')
  WHERE c.backend = 'nft' AND c.hook IN ('input', 'output') AND c.family IN ('ip', 'ip6', 'inet') AND c.type = 'filter'
    AND c."table" NOT LIKE 'docker-%' AND (c.policy = 'drop' OR r.host IS NOT NULL)
"""
REQUIREMENTS: Mapping[str, str] = {
    # Docker's own rules are in iptables.
    "iptables-of-docker": """
      SELECT host, 'firewall: Docker Engine uses nftables, whose rules are not evaluated' FROM docker_engine
      WHERE firewall_backend LIKE 'nftables%'
    """,
    # Each chain that drops forwarded packets is Docker's, or accepts none, so that its effect is known.
    "forward-evaluated": """
      SELECT DISTINCT host, 'firewall: table ' || table_family || ' ' || "table" || ' of ' || backend
        || ' drops and accepts forwarded packets, and is not evaluated'
      FROM host_firewall WHERE NOT docker AND drops AND accepts > 0
        AND host IN (SELECT host FROM host_firewall WHERE docker)
    """,
    # Only iptables filters forwarded packets.
    "forward-in-iptables": """
      SELECT DISTINCT host, 'firewall: table ' || table_family || ' ' || "table" || ' of nftables is not evaluated'
      FROM host_firewall WHERE backend = 'nft' AND drops AND accepts > 0
    """,
    # Only iptables filters packets from and to the host itself.
    "input-in-iptables": _INPUT,
}
