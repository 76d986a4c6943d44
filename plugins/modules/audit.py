# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: documentation only. The action of the same name does it all, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Evaluate snapshots of a fleet and write reports
version_added: 0.1.0
description:
  - >-
    Loads snapshots that M(netfleet.docker.snapshot) has written, of any number of hosts and of any date, into tables,
    runs rules over them, and writes what they find as one HTML page, JSON, SARIF, JUnit XML and CSV.
  - >-
    Runs on the controller, once for all hosts of a play, and needs none of them. Snapshots may come from several
    controllers and be evaluated again, with other rules, as often as wanted.
  - >-
    The tables are described in C(docs/reference/tables.md) of the collection, the rules in C(docs/reference/rules.md),
    the files in C(docs/reference/report-files.md).
author:
  - netfleet.docker contributors (@netfleet)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
options:
  snapshots:
    description: The directory with the snapshots, C(*.json.gz), on the controller.
    type: path
    required: true
  dest:
    description: >-
      The directory on the controller for the files. It is made where it is missing; files of an earlier evaluation in
      it are replaced when the new ones are complete.
    type: path
    required: true
  rules:
    description: >-
      Directories with rules of your own, C(*.yml), beside those of the collection. A rule with an id of the
      collection's takes that one's place. A rule that is broken is named, and the others run.
    type: list
    elements: path
    default: []
  only:
    description: Ids of the rules to evaluate; all where it is empty.
    type: list
    elements: str
    default: []
  without:
    description: Ids of rules to leave out.
    type: list
    elements: str
    default: []
  policy:
    description: What is allowed and expected in this fleet, as data that rules look at. Patterns are those of a shell.
    type: dict
    default: {}
    suboptions:
      published_ports:
        description: Ports that may be published on every address, or that may be privileged ones.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: Pattern of hosts; all where it is missing.
            type: str
          container:
            description: Pattern of containers' names, likewise.
            type: str
          address:
            description: Pattern of the host's addresses, likewise.
            type: str
          protocol:
            description: Of the transport layer; each where it is missing.
            type: str
            choices: [tcp, udp, sctp]
          port:
            description: The port on the host; each where it is missing.
            type: int
      host_network:
        description: Containers that may share their host's network namespace.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: Pattern of hosts; all where it is missing.
            type: str
          container:
            description: Pattern of containers' names.
            type: str
            required: true
      mtu:
        description: The MTU that hosts' uplinks are expected to have.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: Pattern of hosts; all where it is missing.
            type: str
          mtu:
            description: In bytes.
            type: int
            required: true
      reserved_subnets:
        description: Subnets that no Docker network may overlap, such as those of a VPN or a data centre.
        type: list
        elements: dict
        default: []
        suboptions:
          subnet:
            description: In CIDR.
            type: str
            required: true
          reason:
            description: Whose it is, for the report.
            type: str
            default: reserved
  waivers:
    description: Findings that are accepted. They stay in the reports, with the reason, and count for nothing else.
    type: list
    elements: dict
    default: []
    suboptions:
      rule:
        description: Id of the rule.
        type: str
        required: true
      reason:
        description: Why they are accepted.
        type: str
        required: true
      until:
        description: The last day on which they are, such as V(2026-12-31); for ever where it is missing.
        type: str
      host:
        description: Pattern of hosts.
        type: str
        default: "*"
      where:
        description: Patterns of what the finding says of itself, by the names of its evidence, such as C(container).
        type: dict
        default: {}
  expected:
    description: Names of the hosts that should be there; one without a snapshot is named in the reports.
    type: list
    elements: str
    default: []
  compare_with:
    description: >-
      The directory of an earlier evaluation. The reports then say which findings are new and which are fixed, and what
      appeared and vanished. V(previous) is the last one before this by its name, of those beside O(dest); where
      there is none, nothing is compared.
    type: str
  formats:
    description: >-
      What is written. V(parquet) are all tables, one file each, for other engines; V(duckdb) is the database with the
      tables and the findings.
    type: list
    elements: str
    choices: [html, json, sarif, junit, csv, dot, mermaid, parquet, duckdb]
    default: [html, json, sarif, junit, csv]
  fail_on:
    description: >-
      Fails where a finding is at least that severe and not accepted, after all files are written. V(none) never fails.
    type: str
    choices: [critical, high, medium, low, info, none]
    default: none
  remediate:
    description: Ids of rules whose remedies are returned in RV(remediations).
    type: list
    elements: str
    default: []
  drift:
    description: >-
      A directory with what the planner would change, as the role C(audit) writes it: C(*.json), each a list of objects
      of C(host), C(module), C(object), C(operation) and C(detail).
    type: path
  probes:
    description: >-
      A directory with what probes of ports between hosts said: C(*.json), each a list of objects of C(host), C(target),
      C(protocol), C(port), C(state) (V(open), V(closed), V(filtered), or V(error) where a host could not try),
      C(seconds) and C(reason).
    type: path
attributes:
  check_mode:
    support: full
    description: In C(check_mode) everything is evaluated and no file is written.
  diff_mode:
    support: N/A
    description: Nothing of a host changes.
  platform:
    platforms: all
    support: full
    description: The controller.
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
  - duckdb 1.3 or later on the controller
seealso:
  - module: netfleet.docker.snapshot
"""

EXAMPLES = r"""
- name: Snapshots of all hosts
  netfleet.docker.snapshot:
    dest: audit/snapshots/

- name: What is wrong with them
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
        reason: the lab carries no data of anybody
    fail_on: high
"""

RETURN = r"""
summary:
  description: How many hosts, namespaces, containers, networks and findings there are, and of which severity.
  returned: success and failure by O(fail_on)
  type: dict
  sample:
    hosts: 3
    namespaces: 21
    findings: {critical: 0, high: 1, medium: 4, low: 9, info: 2}
worst:
  description: The worst severity of which there is a finding that is not accepted; null where there is none.
  returned: success and failure by O(fail_on)
  type: str
  sample: high
lines:
  description: What a terminal shows of it.
  returned: success and failure by O(fail_on)
  type: list
  elements: str
files:
  description: The files that were written.
  returned: success and failure by O(fail_on)
  type: list
  elements: str
  sample: [audit/report.html]
remediations:
  description: >-
    By host, what may be done by itself about the findings of the rules in O(remediate): the rule, what it is about, the
    module and its arguments.
  returned: success and failure by O(fail_on)
  type: dict
  sample:
    h1:
      - rule: stale-netns
        object: blue
        module: netfleet.docker.netns
        args: {name: blue, state: absent}
"""
