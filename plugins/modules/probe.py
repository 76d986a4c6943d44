#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: checks of reachability from inside a network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Check reachability from inside a network namespace
version_added: 0.1.0
description:
  - >-
    Makes checks from inside a namespace of the managed host, such as that of a container, all at once and within
    deadlines: ping, TCP and TLS, UDP, DNS, HTTP, path MTU, traceroute, neighbours and duplicate addresses.
  - >-
    Each check has a state in one word, a reason in plain words, and figures. The task fails for what is not as expected
    only with O(fail=true), so that a playbook can collect what is wrong. Use C(until) to wait for something.
  - >-
    Containers need no shell and no tools, as nothing is run in them, and the host needs none but Python.
  - >-
    Nothing is sent to anybody who is not named. The one exception is said in the result: a name is resolved by the
    servers of the namespace's C(resolv.conf).
author:
  - netfleet.docker contributors (@netfleet)
options:
  netns:
    description:
      - >-
        The namespace to check from, by default the one that the module runs in, which with the become plugin
        P(netfleet.docker.netns#become) is the one that it entered.
      - >-
        C(host) (the host's own, that of PID 1), C(NAME) (a named one, C(/run/netns/NAME)), C(container:NAME-or-ID) (a
        running container's), C(pid:NUMBER) (a process's), C(path:/ABSOLUTE) (a file that is a namespace) or
        C(docker:NAME) (a sandbox in C(/run/docker/netns)).
    type: str
  checks:
    description:
      - The checks. They are made at once, and their results keep this order.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - >-
            V(ping): does the target answer ICMP echo requests.
          - >-
            V(tcp): does a connection come about, and with O(checks[].tls) TLS on it.
          - >-
            V(udp): does anything answer a datagram, or say that the port is closed.
          - >-
            V(dns): what does a server, or the namespace's own resolver, say of a name.
          - >-
            V(http): does a server answer a request, and as is wished. Redirections are told and not followed.
          - >-
            V(path_mtu): how large are the packets that get there and back in one piece, and does anybody say so.
          - >-
            V(traceroute): which routers are on the way.
          - >-
            V(neighbour): who on the link has an address, by ARP or IPv6 neighbour discovery.
          - >-
            V(duplicate): has more than one an address, asked for as by duplicate address detection.
        type: str
        required: true
        choices: [ping, tcp, udp, dns, http, path_mtu, traceroute, neighbour, duplicate]
      name:
        description:
          - What the result is called, by default a number, the type and the target.
        type: str
      target:
        description:
          - Address or name of whom to check. With V(dns) the name, or the address, that is asked for.
          - All types but V(http) need it. For V(neighbour) and V(duplicate) it is an address.
          - A name is looked for in the namespace's C(hosts), then asked for. The first address is checked.
        type: str
      port:
        description:
          - Port of the target, needed for V(tcp) and V(udp). With V(dns) that of the server, by default 53.
        type: int
      family:
        description:
          - IP version that a name is resolved to, by default whichever it has, IPv4 first.
        type: str
        choices: [ipv4, ipv6]
      source:
        description:
          - Address of the namespace to send from.
        type: str
      interface:
        description:
          - Link to send through, needed for link-local targets and for V(duplicate).
        type: str
      expect:
        description:
          - States that are as expected. By default V(open), for V(duplicate) V(unique) or V(free).
          - V(open) means that there is an answer, or a connection, and it is as wished.
          - >-
            V(refused) means that the host itself says no, by a reset or C(port unreachable), as a firewall's C(REJECT)
            does too.
          - V(prohibited) means that a firewall says no in so many words, or the namespace's own does not let it out.
          - V(unreachable) means that there is no route, no neighbour, or that a router says so.
          - >-
            V(filtered) means silence. V(open_or_filtered) is that of UDP, where it may also be a service that says
            nothing.
          - V(closed) stands for V(refused), V(prohibited), V(unreachable) and V(filtered).
          - V(unresolved) means that the name has no address, or that no server answers.
          - V(nxdomain), V(nodata) and V(servfail) are answers of V(dns) without what was asked for.
          - V(black_hole) is of V(path_mtu), and means that larger packets vanish without a word.
          - >-
            V(no_tls) and V(untrusted) mean that the connection comes about, but not TLS, or with a certificate that
            does not stand verification.
          - V(unique), V(free) and V(duplicate) are of V(duplicate), where one, nobody or more than one has the address.
          - V(off_link) is of V(neighbour), where packets go to a gateway or the address is an own one.
          - A check that cannot be made has the state C(error), which is never as expected.
        type: list
        elements: str
        choices:
          - black_hole
          - closed
          - duplicate
          - filtered
          - free
          - no_tls
          - nodata
          - nxdomain
          - off_link
          - open
          - open_or_filtered
          - prohibited
          - refused
          - servfail
          - unique
          - unreachable
          - unresolved
          - untrusted
      timeout:
        description:
          - Seconds to wait for each answer, by default 5.
        type: float
      count:
        description:
          - >-
            How often to ask. By default 3 for V(ping), V(neighbour) and V(duplicate), 2 for each hop of V(traceroute),
            else 1.
        type: int
      interval:
        description:
          - Seconds between one and the next, by default 0.2.
        type: float
      size:
        description:
          - Bytes of a packet of V(ping), headers included, by default 84, with IPv6 104.
        type: int
      dont_fragment:
        description:
          - Whether a packet of V(ping) must not be fragmented, by default as the host is set up.
        type: bool
      tls:
        description:
          - Whether to begin TLS on the connection of V(tcp); the certificate is told then.
        type: bool
      server_name:
        description:
          - Name to ask for in TLS, and to verify, by default the target.
        type: str
      verify:
        description:
          - Whether the certificate has to be valid, trusted by the host, and of the name. By default it is only told.
        type: bool
      ca_file:
        description:
          - File on the managed host with the authorities that are trusted instead of the host's.
        type: path
      payload:
        description:
          - What V(udp) sends, by default nothing, an empty datagram.
        type: str
      payload_hex:
        description:
          - The same as hexadecimal digits.
        type: str
      contains:
        description:
          - Text that the answer of V(udp), or the body of V(http), has to contain.
        type: str
      server:
        description:
          - Address of the server that V(dns) asks, by default those of the namespace's C(resolv.conf), in order.
        type: str
      record:
        description:
          - Type of record that V(dns) asks for, by default C(A), for an address C(PTR).
        type: str
        choices: [A, AAAA, CAA, CNAME, DNSKEY, DS, HTTPS, MX, NS, PTR, SOA, SRV, TXT]
      search:
        description:
          - Whether V(dns) goes through the search domains of C(resolv.conf), as programs do. By default it does not.
        type: bool
      protocol:
        description:
          - What V(dns) asks over, by default UDP, and TCP for an answer that is too long.
        type: str
        choices: [udp, tcp]
      answers:
        description:
          - What has to be among the answers of V(dns).
        type: list
        elements: str
      url:
        description:
          - URL of V(http), which needs it.
        type: str
      method:
        description:
          - Method of V(http), by default V(GET).
        type: str
        choices: [GET, HEAD, OPTIONS]
      headers:
        description:
          - Headers that V(http) sends.
        type: dict
      status:
        description:
          - Status that V(http) expects, by default one from 200 to 399.
        type: list
        elements: int
      response_headers:
        description:
          - Headers that the answer of V(http) has to have, with text that each contains.
        type: dict
      min_mtu:
        description:
          - The least path MTU that is as expected. By default every one is that somebody tells.
        type: int
      max_mtu:
        description:
          - The largest packet to try, by default the link's MTU.
        type: int
      max_hops:
        description:
          - How far V(traceroute) goes, by default 30.
        type: int
  fail:
    description:
      - Whether the task fails if anything is not as expected. The results are returned all the same.
    type: bool
    default: false
  timeout:
    description:
      - The most seconds that all checks may take.
    type: float
    default: 120
  resolv_conf:
    description:
      - >-
        File on the managed host that says how names are resolved. By default that of the container, of
        C(/etc/netns/NAME), or else the host's.
    type: path
attributes:
  check_mode:
    support: full
    description: Changes nothing, so a check is made in C(check_mode) too.
  diff_mode:
    support: N/A
    description: The module never changes anything.
  idempotent:
    support: full
    description: The module never changes anything.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module runs on.
requirements:
  - Python 3.9 or later on the managed host
  - >-
    root on the managed host for another namespace, and for V(ping), V(path_mtu), V(traceroute), V(neighbour) and
    V(duplicate)
notes:
  - >-
    ICMP of V(path_mtu) goes there and comes back at the same size, so the smaller of both ways is found.
  - >-
    A firewall's C(REJECT) without an option looks like a closed port, which is its purpose; RV(results[].reason) tells
    which host sent the message where the kernel knows.
seealso:
  - plugin: netfleet.docker.netns
    plugin_type: become
  - module: netfleet.docker.netns_info
"""

EXAMPLES = r"""
- name: What the container web can reach
  netfleet.docker.probe:
    netns: container:web
    checks:
      - {type: ping, target: 172.17.0.1}
      - {type: tcp, target: db, port: 5432}
      - {type: dns, target: db}
      - {type: http, url: "http://api:8080/health", status: [200]}
      - {type: path_mtu, target: db, min_mtu: 1450}
  register: web

- name: Say what is wrong
  ansible.builtin.debug:
    msg: "{{ web.results | rejectattr('met') | map(attribute='reason') | list }}"

- name: Isolation holds, or the play fails
  netfleet.docker.probe:
    netns: container:web
    fail: true
    checks:
      - {type: tcp, target: 10.0.0.5, port: 22, expect: [closed], timeout: 2}
      - {type: ping, target: 10.0.0.5, expect: [closed], timeout: 2}

- name: A certificate with a month to go
  netfleet.docker.probe:
    netns: blue
    checks:
      - {type: tcp, target: registry.example.com, port: 443, tls: true, verify: true}
  register: registry
  failed_when: not registry.met or registry.results[0].tls.certificate.days_left < 30

- name: Wait until a service answers
  netfleet.docker.probe:
    netns: container:web
    checks:
      - {type: tcp, target: 127.0.0.1, port: 8080}
  register: service
  until: service.met
  retries: 10
  delay: 3

- name: Nobody else has the address that a container is to get
  netfleet.docker.probe:
    checks:
      - {type: duplicate, target: 192.0.2.10, interface: eth0, expect: [free]}
"""

RETURN = r"""
met:
  description: Whether all checks met the expectation.
  returned: success
  type: bool
  sample: true
summary:
  description: One line, which names the checks that are not as expected, with their reasons.
  returned: always
  type: str
  sample: 2 of 2 checks met the expectation
netns:
  description: The namespace, as it was asked for and with its inode.
  returned: success
  type: dict
  sample: {reference: "container:web", inode: "4026532448"}
resolver:
  description: How names are resolved there, and by what file.
  returned: success
  type: dict
  sample:
    path: /var/lib/docker/containers/4f1d/resolv.conf
    servers: [127.0.0.11]
    search: []
    ndots: 0
    hosts_path: /var/lib/docker/containers/4f1d/hosts
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.42
results:
  description:
    - The results, in the order of the checks.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What the check is called.
      type: str
    type:
      description: Its type.
      type: str
    target:
      description: Its target.
      type: str
    port:
      description: Its port, where it has one.
      type: int
    address:
      description: The address that was checked; none where the name has none, and with V(dns).
      type: str
    addresses:
      description: All addresses of a name.
      type: list
      elements: str
    resolved_by:
      description: Who resolved the name, a server or a file; none where the target is an address.
      type: str
    state:
      description: What was found, one of the states of O(checks[].expect), or C(error).
      type: str
    expect:
      description: The states that are as expected.
      type: list
      elements: str
    met:
      description: Whether it is as expected, and as wished.
      type: bool
    reason:
      description: The same in plain words.
      type: str
    sent:
      description: How often it was asked.
      type: int
    received:
      description: How often there was an answer.
      type: int
    loss_percent:
      description: The part of questions without an answer.
      type: float
    latency:
      description: The least, the mean and the most milliseconds until there was an answer, or a connection.
      type: dict
    tls:
      description: >-
        With TLS, C(version), C(cipher), C(server_name), C(verified) where that was wanted, and C(certificate) with
        C(subject), C(issuer), C(names), C(serial), C(not_before), C(not_after), C(days_left), C(self_signed) and
        C(sha256).
      type: dict
    reply:
      description: The beginning of the answer of V(udp), and C(reply_bytes) its size.
      type: str
    server:
      description: The server that answered V(dns), with C(question), C(rcode), C(authoritative) and C(answers).
      type: str
    status:
      description: The status of V(http), with C(http_reason), C(location) and C(body_bytes).
      type: int
    path_mtu:
      description: >-
        The largest packet of V(path_mtu), with C(link_mtu), C(interface), C(reduced_by) (who says what), and
        C(fragments_pass), whether larger packets get there in pieces.
      type: int
    hops:
      description: Who answered V(traceroute) at each hop, with latency, and C(packets), how many were sent.
      type: list
      elements: dict
    macs:
      description: >-
        Who answered V(neighbour) and V(duplicate), with C(interface), and C(own) for an address of the namespace.
      type: list
      elements: str
  sample:
    - name: "0: tcp db:5432"
      type: tcp
      target: db
      port: 5432
      address: 172.18.0.3
      resolved_by: 127.0.0.11
      state: refused
      expect: [open]
      met: false
      reason: "refused: the host is there, the port is closed (expected: open)"
      sent: 1
      received: 0
      loss_percent: 100.0
      latency: null
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._probe.options import SUBOPTIONS
from ansible_collections.netfleet.docker.plugins.module_utils._probe.runner import run_module


def main() -> None:
    """Run the module."""
    spec = {
        "netns": {"type": "str"},
        "checks": {"type": "list", "elements": "dict", "required": True, "options": SUBOPTIONS},
        "fail": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 120},
        "resolv_conf": {"type": "path"},
    }
    run_module(AnsibleModule(argument_spec=spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
