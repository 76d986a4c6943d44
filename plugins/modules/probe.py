#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: check connections from a network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Check reachability from inside a network namespace
version_added: 0.1.0
description:
  - >-
    Performs checks from a namespace of the managed host, such as that of a container, in parallel and with timeouts:
    ping, TCP and TLS, UDP, DNS, HTTP, path MTU, traceroute, neighbours and duplicate addresses.
  - >-
    The result of each check has a state, a reason and measurements. An unexpected state is not a failure of the task,
    unless O(fail=true). Use C(until) to wait for a service.
  - Nothing runs in containers, so they need no shell or tools. The host requires only Python.
  - >-
    Packets are sent only to the targets of the checks and, to resolve names, to the servers in the C(resolv.conf) of
    the namespace.
author:
  - netfleet.docker contributors (@netfleet)
options:
  netns:
    description:
      - >-
        Namespace to check from. By default, the namespace that the module runs in; with the become plugin
        P(netfleet.docker.netns#become), the namespace of the plugin.
      - >-
        A reference is C(host) (the namespace of PID 1), C(NAME) (a named namespace, C(/run/netns/NAME)),
        C(container:NAME-or-ID) (the namespace of a running container), C(pid:NUMBER) (the namespace of a process),
        C(path:/ABSOLUTE) (a mounted namespace) or C(docker:NAME) (a sandbox in C(/run/docker/netns)).
    type: str
  checks:
    description:
      - Checks. They run in parallel; results are in the same order.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - >-
            V(ping): whether the target answers ICMP echo requests.
          - >-
            V(tcp): whether a connection, and with O(checks[].tls) a TLS session, can be established.
          - >-
            V(udp): whether the target answers a datagram or reports a closed port.
          - >-
            V(dns): the answer of a server, or of the resolver of the namespace.
          - >-
            V(http): whether a server answers a request as expected. Redirects are reported and not followed.
          - >-
            V(path_mtu): the largest packet that reaches the target and returns without fragmentation.
          - >-
            V(traceroute): the routers on the path.
          - >-
            V(neighbour): the hosts that answer for an address on the link, by ARP or IPv6 neighbour discovery.
          - >-
            V(duplicate): whether more than one host uses an address, with the probes of duplicate address detection.
        type: str
        required: true
        choices: [ping, tcp, udp, dns, http, path_mtu, traceroute, neighbour, duplicate]
      name:
        description:
          - Name of the result. The default consists of a number, the type and the target.
        type: str
      target:
        description:
          - Address or name of the target. For V(dns), the name or address to look up.
          - Required for all types except V(http). Must be an address for V(neighbour) and V(duplicate).
          - >-
            A name is resolved with the C(hosts) file and the name servers of the namespace. The first address is
            checked.
        type: str
      port:
        description:
          - Port of the target. Required for V(tcp) and V(udp). For V(dns), the port of the server; the default is 53.
        type: int
      family:
        description:
          - IP version for resolving a name. By default, IPv4 is preferred.
        type: str
        choices: [ipv4, ipv6]
      source:
        description:
          - Source address in the namespace.
        type: str
      interface:
        description:
          - Outgoing link. Required for link-local targets and for V(duplicate).
        type: str
      expect:
        description:
          - Expected states. The default is V(open); for V(duplicate), V(unique) or V(free).
          - >-
            V(open): the target answers as expected.
          - >-
            V(refused): the target answers with a reset or C(port unreachable), as a firewall with C(REJECT) also does.
          - >-
            V(prohibited): a firewall reports that it blocks the packet, or the firewall of the namespace does not send
            it.
          - >-
            V(unreachable): there is no route or neighbour, or a router reports this.
          - >-
            V(filtered): no response. V(open_or_filtered): no response to a datagram; the service may not answer.
          - >-
            V(closed): any of V(refused), V(prohibited), V(unreachable) and V(filtered).
          - >-
            V(unresolved): the name has no address, or no server answers.
          - >-
            V(nxdomain), V(nodata), V(servfail): responses of V(dns) without the requested record.
          - >-
            V(black_hole), for V(path_mtu): larger packets are dropped without an error.
          - >-
            V(no_tls), V(untrusted): the connection is established without TLS, or with a certificate that is not
            trusted.
          - >-
            V(unique), V(free), V(duplicate), for V(duplicate): one, no, or more than one host uses the address.
          - >-
            V(off_link), for V(neighbour): packets are sent to a gateway, or the address belongs to the namespace.
          - >-
            C(error): the check cannot be performed. This state is never expected.
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
          - Seconds to wait for each response. The default is 5.
        type: float
      count:
        description:
          - >-
            Number of requests. The default is 3 for V(ping), V(neighbour) and V(duplicate), 2 for each hop of
            V(traceroute), and 1 for other types.
        type: int
      interval:
        description:
          - Seconds between requests. The default is 0.2.
        type: float
      size:
        description:
          - Size of a V(ping) packet in bytes, including headers. The default is 84, for IPv6 104.
        type: int
      dont_fragment:
        description:
          - Whether V(ping) packets must not be fragmented. The default is that of the host.
        type: bool
      tls:
        description:
          - Whether V(tcp) starts TLS. The result then contains the certificate.
        type: bool
      server_name:
        description:
          - Server name for TLS and its verification. The default is the target.
        type: str
      verify:
        description:
          - >-
            Whether the certificate must be valid, trusted by the host, and match the name. By default, it is only
            reported.
        type: bool
      ca_file:
        description:
          - File with CA certificates on the managed host, instead of those of the host.
        type: path
      payload:
        description:
          - Data that V(udp) sends. The default is an empty datagram.
        type: str
      payload_hex:
        description:
          - Data that V(udp) sends, as hexadecimal digits.
        type: str
      contains:
        description:
          - Text that the response of V(udp) or the body of V(http) must contain.
        type: str
      server:
        description:
          - >-
            Address of the DNS server for V(dns). The default is the servers in the C(resolv.conf) of the namespace, in
            order.
        type: str
      record:
        description:
          - Record type for V(dns). The default is C(A), for an address C(PTR).
        type: str
        choices: [A, AAAA, CAA, CNAME, DNSKEY, DS, HTTPS, MX, NS, PTR, SOA, SRV, TXT]
      search:
        description:
          - Whether V(dns) uses the search domains of C(resolv.conf). The default is V(false).
        type: bool
      protocol:
        description:
          - Transport protocol of V(dns). The default is UDP, and TCP if the response is truncated.
        type: str
        choices: [udp, tcp]
      answers:
        description:
          - Values that the answers of V(dns) must contain.
        type: list
        elements: str
      url:
        description:
          - URL. Required for V(http).
        type: str
      method:
        description:
          - Method of V(http). The default is V(GET).
        type: str
        choices: [GET, HEAD, OPTIONS]
      headers:
        description:
          - Headers that V(http) sends.
        type: dict
      status:
        description:
          - Expected status codes of V(http). The default is 200 to 399.
        type: list
        elements: int
      response_headers:
        description:
          - Headers that the response of V(http) must have, with a text that each must contain.
        type: dict
      min_mtu:
        description:
          - Minimum expected path MTU. By default, every reported path MTU is accepted.
        type: int
      max_mtu:
        description:
          - Largest packet to try. The default is the MTU of the link.
        type: int
      max_hops:
        description:
          - Maximum number of hops for V(traceroute). The default is 30.
        type: int
  fail:
    description:
      - Whether the task fails if a state is not expected. The results are returned in any case.
    type: bool
    default: false
  timeout:
    description:
      - Maximum number of seconds for all checks.
    type: float
    default: 120
  resolv_conf:
    description:
      - >-
        Resolver configuration file on the managed host. The default is the file of the container, of
        C(/etc/netns/NAME), or of the host.
    type: path
attributes:
  check_mode:
    support: full
    description: The module never changes anything. Checks are also performed in C(check_mode).
  diff_mode:
    support: N/A
    description: The module never changes anything.
  idempotent:
    support: full
    description: The module never changes anything.
  platform:
    platforms: Linux
    support: full
    description: Operating systems that the module runs on.
requirements:
  - Python 3.9 or later on the managed host
  - >-
    root on the managed host for another namespace, and for V(ping), V(path_mtu), V(traceroute), V(neighbour) and
    V(duplicate)
notes:
  - >-
    V(path_mtu) uses echo requests, whose replies have the same size, and therefore finds the smaller MTU of both
    directions.
  - >-
    A firewall with C(REJECT) looks like a closed port. RV(results[].reason) names the host that sent the error, if the
    kernel reports it.
seealso:
  - plugin: netfleet.docker.netns
    plugin_type: become
  - module: netfleet.docker.netns_info
"""

EXAMPLES = r"""
- name: Check what the container web can reach
  netfleet.docker.probe:
    netns: container:web
    checks:
      - {type: ping, target: 172.17.0.1}
      - {type: tcp, target: db, port: 5432}
      - {type: dns, target: db}
      - {type: http, url: "http://api:8080/health", status: [200]}
      - {type: path_mtu, target: db, min_mtu: 1450}
  register: web

- name: Show the unexpected results
  ansible.builtin.debug:
    msg: "{{ web.results | rejectattr('met') | map(attribute='reason') | list }}"

- name: Verify that the container cannot reach SSH
  netfleet.docker.probe:
    netns: container:web
    fail: true
    checks:
      - {type: tcp, target: 10.0.0.5, port: 22, expect: [closed], timeout: 2}
      - {type: ping, target: 10.0.0.5, expect: [closed], timeout: 2}

- name: Check that a certificate is valid for 30 days
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

- name: Check that an address is not in use
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
  description: Summary in one line, with the unexpected results and their reasons.
  returned: always
  type: str
  sample: 2 of 2 checks met the expectation
netns:
  description: The namespace with its reference and inode.
  returned: success
  type: dict
  sample: {reference: "container:web", inode: "4026532448"}
resolver:
  description: Resolver configuration of the namespace.
  returned: success
  type: dict
  sample:
    path: /var/lib/docker/containers/4f1d/resolv.conf
    servers: [127.0.0.11]
    search: []
    ndots: 0
    hosts_path: /var/lib/docker/containers/4f1d/hosts
seconds:
  description: Duration in seconds.
  returned: success
  type: float
  sample: 0.42
results:
  description:
    - Results in the order of the checks.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
    type:
      description: Type of the check.
      type: str
    target:
      description: Target of the check.
      type: str
    port:
      description: Port of the check, if it has one.
      type: int
    address:
      description: Address that was checked; none if the name has no address, and for V(dns).
      type: str
    addresses:
      description: All addresses of a name.
      type: list
      elements: str
    resolved_by:
      description: Server or file that resolved the name; none if the target is an address.
      type: str
    state:
      description: State, one of O(checks[].expect), or C(error).
      type: str
    expect:
      description: Expected states.
      type: list
      elements: str
    met:
      description: Whether the state is expected.
      type: bool
    reason:
      description: Explanation of the state.
      type: str
    sent:
      description: Number of requests.
      type: int
    received:
      description: Number of responses.
      type: int
    loss_percent:
      description: Percentage of requests without a response.
      type: float
    latency:
      description: Minimum, average and maximum time until the response or connection in milliseconds.
      type: dict
    tls:
      description: >-
        For TLS, C(version), C(cipher), C(server_name), C(verified) if requested, and C(certificate) with C(subject),
        C(issuer), C(names), C(serial), C(not_before), C(not_after), C(days_left), C(self_signed) and C(sha256).
      type: dict
    reply:
      description: Start of the response to V(udp); C(reply_bytes) is its size.
      type: str
    server:
      description: Server that answered V(dns), with C(question), C(rcode), C(authoritative) and C(answers).
      type: str
    status:
      description: Status of V(http), with C(http_reason), C(location) and C(body_bytes).
      type: int
    path_mtu:
      description: >-
        Largest packet of V(path_mtu), with C(link_mtu), C(interface), C(reduced_by) (the sender of the error), and
        C(fragments_pass) (whether larger packets arrive in fragments).
      type: int
    hops:
      description: >-
        Host that answered V(traceroute) at each hop with its latency; C(packets) is the number of sent packets.
      type: list
      elements: dict
    macs:
      description: >-
        MAC addresses that answered V(neighbour) and V(duplicate), with C(interface), and C(own) for an address of the
        namespace.
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
      reason: "refused: the host is reachable, the port is closed (expected: open)"
      sent: 1
      received: 0
      loss_percent: 100.0
      latency: null
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import Module
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
    run_module(Module(argument_spec=spec, supports_check_mode=True))


if __name__ == "__main__":
    main()
