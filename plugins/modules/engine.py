#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: manage the networking settings of Docker Engine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine
short_description: Manage the networking settings of Docker Engine
version_added: 0.1.0
description:
  - >-
    Merges settings into C(daemon.json) and keeps all other settings. An omitted or empty option does not change its
    setting.
  - >-
    The new file is validated by C(dockerd) before any change. Then the file is written, the engine is reloaded or
    restarted, and the module verifies that the engine responds, applies the settings, and runs the same containers as
    before. If verification fails, the previous files are restored, the engine is restarted with them, and the module
    fails with the message from the engine's journal.
  - Loads kernel modules and sets sysctls, also persistently. These changes are not rolled back.
  - Hosts are changed one at a time. After a failure, no other host is changed by the same task.
  - Values of settings that are not options of this module, such as C(log-opts) and C(proxies), are never displayed.
author:
  - netfleet.docker contributors (@netfleet)
options:
  default_address_pools:
    description:
      - Address pools for networks that are created without a subnet. Pools must not overlap each other or O(bip).
    type: list
    elements: dict
    suboptions:
      base:
        description:
          - Subnet of the pool.
        type: str
        required: true
      size:
        description:
          - Prefix length of each network.
        type: int
        required: true
  bip:
    description:
      - Address of the default bridge with its prefix length, such as V(172.17.0.1/16).
    type: str
  bip6:
    description:
      - IPv6 address of the default bridge with its prefix. Requires Docker Engine 28.
    type: str
  fixed_cidr:
    description:
      - Part of the default bridge's subnet from which container addresses are assigned.
    type: str
  fixed_cidr_v6:
    description:
      - IPv6 subnet from which container addresses on the default bridge are assigned.
    type: str
  mtu:
    description:
      - MTU of the default bridge, V(68) to V(65535).
    type: int
  icc:
    description:
      - Whether containers on the default bridge can communicate with each other.
    type: bool
  ip:
    description:
      - Default host address of published ports.
    type: str
  ip_forward:
    description:
      - Whether the engine enables IP forwarding.
    type: bool
  ip_masq:
    description:
      - Whether traffic from containers on the default bridge is masqueraded.
    type: bool
  iptables:
    description:
      - Whether the engine adds firewall rules.
    type: bool
  ip6tables:
    description:
      - Whether the engine adds IPv6 firewall rules. Before Docker Engine 27 it requires C(experimental) as well.
    type: bool
  ipv6:
    description:
      - Whether IPv6 is enabled on the default bridge.
    type: bool
  userland_proxy:
    description:
      - Whether the engine starts a proxy process for each published port.
    type: bool
  dns:
    description:
      - Addresses of the DNS servers for containers.
    type: list
    elements: str
  dns_search:
    description:
      - DNS search domains for containers.
    type: list
    elements: str
  dns_opts:
    description:
      - Resolver options for containers.
    type: list
    elements: str
  hosts:
    description:
      - >-
        Sockets on which the engine listens: C(fd://), C(unix://PATH) or C(tcp://ADDRESS:PORT). The list must contain
        C(fd://) or C(unix:///var/run/docker.sock), which tools on the host use. TCP on addresses other than loopback
        requires O(tlsverify).
      - >-
        The systemd drop-in C(netfleet-hosts.conf) removes the sockets from the command line of the engine, because the
        engine does not start with sockets in both places. The drop-in is removed with V(hosts) in O(settings_absent).
    type: list
    elements: str
  tlsverify:
    description:
      - >-
        Whether TCP clients must present a certificate signed by O(tlscacert). Requires O(tlscacert), O(tlscert) and
        O(tlskey).
    type: bool
  tlscacert:
    description:
      - Path of the CA certificate on the host.
    type: path
  tlscert:
    description:
      - Path of the engine's certificate on the host.
    type: path
  tlskey:
    description:
      - Path of the engine's private key on the host.
    type: path
  live_restore:
    description:
      - >-
        Whether containers keep running while the engine is restarted. The module enables the setting before the first
        restart. Docker does not support it on a Swarm node.
      - >-
        Settings of the default bridge do not change while containers run. They are applied at the next restart without
        running containers.
    type: bool
  default_network_opts:
    description:
      - Default options of new networks, as a dictionary of options for each driver. Requires Docker Engine 24.
      - >-
        The engine adds them to networks that it creates. M(netfleet.docker.network) does not compare options with these
        names, unless its parameters contain them.
    type: dict
  host_gateway_ips:
    description:
      - >-
        Addresses to which C(host-gateway) resolves in containers, at most one IPv4 and one IPv6 address. Requires
        Docker Engine 28.
    type: list
    elements: str
  allow_direct_routing:
    description:
      - >-
        Whether other hosts can reach published ports at the addresses of containers, without address translation.
        Requires Docker Engine 28.2.
    type: bool
  ip_forward_no_drop:
    description:
      - >-
        Whether the engine leaves the policy of the chain C(FORWARD) unchanged when it enables IP forwarding, instead of
        setting it to C(DROP). The host then forwards packets between its other networks as well. Requires Docker Engine
        28.
    type: bool
  firewall_backend:
    description:
      - >-
        Firewall that the engine uses. Requires Docker Engine 29. V(nftables) is not supported in a Swarm, and requires
        IP forwarding, which the engine does not enable then; set C(net.ipv4.ip_forward) in O(sysctls).
    type: str
    choices: [iptables, nftables]
  bridge_accept_fwmark:
    description:
      - >-
        Mark, or mark and mask such as V(0x1/0x3), of packets that bridge networks accept although they drop others.
        Requires Docker Engine 29.
    type: str
  min_api_version:
    description:
      - Oldest version of the API that the engine serves, such as V(1.44). Requires Docker Engine 29.
    type: str
  features:
    description:
      - Features to enable or disable, by name. Other features in C(daemon.json) are kept.
    type: dict
  settings_absent:
    description:
      - Keys to remove from C(daemon.json), such as V(fixed-cidr).
    type: list
    elements: str
    default: []
  stop_containers:
    description:
      - >-
        Whether a restart may stop running containers. Otherwise, a change that would stop containers is an error. Not
        required with O(live_restore=true).
    type: bool
    default: false
  reuse:
    description:
      - >-
        Whether to use the changes that M(netfleet.docker.host_state) has predicted in the same play, unless a role has
        changed the host since then. The module then sends nothing to a host without changes.
    type: bool
    default: false
  config_file:
    description:
      - Path of C(daemon.json).
    type: path
    default: /etc/docker/daemon.json
  service:
    description:
      - Name of the engine's systemd service. It is enabled and started.
    type: str
    default: docker
  sysctls:
    description:
      - Sysctls to set, by name.
      - >-
        C(net.ipv4.ip_forward) is usually not required. The engine enables forwarding when it starts, and then sets the
        policy of the chain C(FORWARD) to C(DROP). If forwarding is enabled before, the policy stays C(ACCEPT), and the
        host forwards packets between all of its networks.
    type: dict
    default: {}
  sysctls_file:
    description:
      - Path of the file that makes O(sysctls) persistent.
    type: path
    default: /etc/sysctl.d/60-netfleet-docker.conf
  modules:
    description:
      - Kernel modules to load. Modules that are built into the kernel count as loaded. A missing module is an error.
    type: list
    elements: str
    default: []
  modules_optional:
    description:
      - Kernel modules to load if they are available.
    type: list
    elements: str
    default: []
  modules_file:
    description:
      - Path of the file that makes O(modules) and the available O(modules_optional) persistent.
    type: path
    default: /etc/modules-load.d/netfleet-docker.conf
  lock_timeout:
    description:
      - Maximum time in seconds to wait for another run of this collection that changes the same host.
      - Check mode does not wait.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would change without changing it.
  diff_mode:
    support: full
    description: Returns the managed values before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module manages.
  action:
    support: full
    description: >-
      Runs partly on the control node. The module runs in check mode first, and again on each host that requires a
      change, one host at a time.
notes:
  - >-
    If a run is killed after writing the files, the next run restarts the engine. If the engine does not work with the
    new files, it restores the files from before the killed run. The state is saved in C(/run).
  - This module does not install Docker Engine. Use the role P(netfleet.docker.engine#role).
requirements:
  - Python 3.9 or later on the managed host
  - systemd on the managed host
  - root on the managed host
seealso:
  - module: netfleet.docker.preflight
"""

EXAMPLES = r"""
- name: Set the address pools, and keep containers running during restarts
  netfleet.docker.engine:
    default_address_pools:
      - {base: 10.200.0.0/16, size: 24}
    userland_proxy: false
    live_restore: true

- name: Change the default bridge, and allow the restart to stop containers
  netfleet.docker.engine:
    bip: 10.201.0.1/24
    icc: false
    stop_containers: true

- name: Listen on TCP for clients with a certificate
  netfleet.docker.engine:
    hosts: ["unix:///var/run/docker.sock", "tcp://192.0.2.10:2376"]
    tlsverify: true
    tlscacert: /etc/docker/tls/ca.pem
    tlscert: /etc/docker/tls/cert.pem
    tlskey: /etc/docker/tls/key.pem

- name: Reset settings to the defaults of the engine
  netfleet.docker.engine:
    settings_absent: [mtu, hosts, tlsverify, tlscacert, tlscert, tlskey]

- name: Set default options of bridge networks, and addresses for host-gateway
  netfleet.docker.engine:
    default_network_opts:
      bridge:
        com.docker.network.driver.mtu: 1450
    host_gateway_ips: [192.0.2.1, "2001:db8::1"]

- name: Load kernel modules and set sysctls
  netfleet.docker.engine:
    modules: [overlay, br_netfilter]
    sysctls:
      net.ipv4.neigh.default.gc_thresh3: 8192
"""

RETURN = r"""
operations:
  description:
    - Operations in the order of execution. In check mode, the operations that would be executed.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/docker/daemon.json (icc, mtu)
    - restart docker.service
changed_settings:
  description: Keys of C(daemon.json) whose values change.
  returned: success
  type: list
  elements: str
  sample: [icc, mtu]
restarted:
  description: Whether the engine was started or restarted. In check mode, whether it would be.
  returned: success
  type: bool
  sample: true
settings:
  description: >-
    Settings in C(daemon.json) afterwards. Values that are not options of this module and can be secret are displayed as
    C((not shown)).
  returned: success
  type: dict
  sample:
    icc: false
    log-opts: (not shown)
    mtu: 1450
"""

from ansible_collections.netfleet.docker.plugins.module_utils._core.module import (
    Module,
    exit_with_result,
    get_lock_timeout,
)
from ansible_collections.netfleet.docker.plugins.module_utils._engine.options import SPEC
from ansible_collections.netfleet.docker.plugins.module_utils._engine.transaction import reconcile


def main() -> None:
    """Run the module."""
    module = Module(argument_spec=SPEC, supports_check_mode=True)
    exit_with_result(module, lambda: reconcile(module.params, get_lock_timeout(module)))


if __name__ == "__main__":
    main()
