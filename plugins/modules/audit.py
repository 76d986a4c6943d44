# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only; the action plugin does the work on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Evaluate snapshots of a fleet and write reports
version_added: 0.1.0
description:
  - >-
    Loads snapshots of M(netfleet.docker.snapshot) into tables, evaluates rules, and writes the findings as HTML, JSON,
    SARIF, JUnit XML and CSV.
  - >-
    Runs once for all hosts of a play on the control node, without a connection to the hosts. Snapshots can come from
    several control nodes and can be evaluated repeatedly with other rules.
  - The reference of the collection describes the tables, the rules and the files.
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
options:
  snapshots:
    description: Directory with the snapshots C(*.json.gz) on the control node.
    type: path
    required: true
  dest:
    description: >-
      Directory for the report files on the control node. It is created if it does not exist. Files of an earlier
      evaluation are replaced when the new ones are complete.
    type: path
    required: true
  rules:
    description: >-
      Directories with additional rules, C(*.yml). A rule with the ID of a rule of the collection replaces it. Invalid
      rules are reported; other rules are evaluated.
    type: list
    elements: path
    default: []
  only:
    description: >-
      IDs of the rules to evaluate. By default, all rules are evaluated. If O(dest) contains the report of a run that
      evaluated all rules, the files are written to its subdirectory C(only), so that they do not replace that report.
    type: list
    elements: str
    default: []
  without:
    description: IDs of rules to exclude.
    type: list
    elements: str
    default: []
  policy:
    description: Policy that rules compare the fleet with. Patterns are shell patterns.
    type: dict
    default: {}
    suboptions:
      published_ports:
        description: Ports that may be published on all addresses or below 1024.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: Pattern for host names. By default, all hosts match.
            type: str
          container:
            description: Pattern for container names. By default, all containers match.
            type: str
          address:
            description: Pattern for addresses of the host. By default, all addresses match.
            type: str
          protocol:
            description: Transport protocol. By default, all protocols match.
            type: str
            choices: [tcp, udp, sctp]
          port:
            description: Port on the host. By default, all ports match.
            type: int
      host_network:
        description: Containers that may use the host network.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: Pattern for host names. By default, all hosts match.
            type: str
          container:
            description: Pattern for container names.
            type: str
            required: true
      mtu:
        description: Expected MTU of the uplinks of hosts.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: Pattern for host names. By default, all hosts match.
            type: str
          mtu:
            description: MTU in bytes.
            type: int
            required: true
      reserved_subnets:
        description: Subnets that Docker networks must not overlap, such as those of a VPN or a data centre.
        type: list
        elements: dict
        default: []
        suboptions:
          subnet:
            description: Subnet in CIDR notation.
            type: str
            required: true
          reason:
            description: Reason, for the report.
            type: str
            default: reserved
  waivers:
    description: Findings to accept. They remain in the reports and are marked as waived.
    type: list
    elements: dict
    default: []
    suboptions:
      rule:
        description: ID of the rule.
        type: str
        required: true
      reason:
        description: Reason for accepting the findings.
        type: str
        required: true
      until:
        description: Last day of the waiver, such as V(2026-12-31). By default, the waiver does not expire.
        type: str
      host:
        description: Pattern for host names.
        type: str
        default: "*"
      where:
        description: Patterns for values of the evidence by name, such as C(container).
        type: dict
        default: {}
  expected:
    description: Names of the expected hosts. The reports list those without a snapshot.
    type: list
    elements: str
    default: []
  compare_with:
    description: >-
      Directory of an earlier evaluation to compare with. The reports then show new and fixed findings, and added and
      removed objects. V(previous) selects the last directory before O(dest), by name, in the same parent directory.
      Without an earlier evaluation, nothing is compared.
    type: str
  formats:
    description: >-
      Formats to write. V(parquet) writes each table to a file. V(duckdb) keeps the database with all tables and
      findings.
    type: list
    elements: str
    choices: [html, json, sarif, junit, csv, dot, mermaid, parquet, duckdb]
    default: [html, json, sarif, junit, csv]
  fail_on:
    description: >-
      Fail after writing the files if a finding that is not waived has at least this severity. V(none) never fails.
    type: str
    choices: [critical, high, medium, low, info, none]
    default: none
  junit_fail_on:
    description: >-
      Lowest severity of findings that are failures in JUnit XML. Findings of lower severities are passed test cases
      with the finding as output. V(none) means that all findings are failures. By default, O(fail_on) is used.
    type: str
    choices: [critical, high, medium, low, info, none]
  remediate:
    description: IDs of rules whose remediations are returned in RV(remediations).
    type: list
    elements: str
    default: []
  drift:
    description: >-
      Directory with changes that provisioning would make, as the role C(audit) writes it. Each file C(*.json) contains
      a list of objects of C(host), C(module), C(object), C(operation) and C(detail).
    type: path
  probes:
    description: >-
      Directory with results of port checks between hosts. Each file C(*.json) contains a list of objects of C(host),
      C(target), C(protocol), C(port), C(state) (V(open), V(closed), V(filtered), or V(error) if a check failed),
      C(seconds) and C(reason).
    type: path
attributes:
  check_mode:
    support: full
    description: In C(check_mode), the rules are evaluated, but no file is written.
  diff_mode:
    support: N/A
    description: The module does not change hosts.
  platform:
    platforms: all
    support: full
    description: The control node.
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: full
  connection:
    support: none
  delegation:
    support: none
requirements:
  - duckdb 1.3 or later on the control node
seealso:
  - module: netfleet.docker.snapshot
"""

EXAMPLES = r"""
- name: Take snapshots of all hosts
  netfleet.docker.snapshot:
    dest: audit/snapshots/

- name: Evaluate the rules and write reports
  netfleet.docker.audit:
    snapshots: audit/snapshots
    dest: audit
    policy:
      published_ports:
        - {container: "ingress-*", port: 443}
      host_network:
        - {container: node-exporter}
    waivers:
      - rule: overlay-not-encrypted
        host: "lab-*"
        until: "2026-12-31"
        reason: The lab transmits no customer data.
    fail_on: high
"""

RETURN = r"""
summary:
  description: >-
    Number of hosts, namespaces, containers, networks, and findings by severity, number of rules by result, and what was
    not checked (C(gaps)), or null.
  returned: success, or failure because of O(fail_on)
  type: dict
  sample:
    hosts: 3
    namespaces: 21
    findings: {critical: 0, high: 1, medium: 4, low: 9, info: 2}
worst:
  description: Highest severity of the findings that are not waived, or null.
  returned: success, or failure because of O(fail_on)
  type: str
  sample: high
lines:
  description: Summary for a terminal.
  returned: success, or failure because of O(fail_on)
  type: list
  elements: str
files:
  description: Files that were written.
  returned: success, or failure because of O(fail_on)
  type: list
  elements: str
  sample: [audit/report.html]
remediations:
  description: >-
    Remediations for findings of the rules in O(remediate) by host: rule, object, module and arguments.
  returned: success, or failure because of O(fail_on)
  type: dict
  sample:
    h1:
      - rule: stale-named-namespace
        object: blue
        module: netfleet.docker.netns
        args: {name: blue, state: absent}
"""
