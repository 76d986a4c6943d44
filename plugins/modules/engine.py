#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: the networking settings of Docker Engine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine
short_description: Manage the networking settings of Docker Engine
version_added: 0.1.0
description:
  - >-
    Merges settings into C(daemon.json) and keeps the settings of others there. An option that is not given leaves its
    setting as it is, and so does an empty value.
  - >-
    The engine's own parser validates the new file before anything is changed. Then the file is written, the engine is
    reloaded or restarted, and is checked: whether it answers, applies the settings, and runs the containers that ran
    before. If that fails, the former files are restored, the engine is restarted with them, and the module fails with
    the reason from the engine's journal.
  - >-
    Loads kernel modules, sets sysctls, and keeps both for the next boot. These are not rolled back.
  - >-
    Hosts that need a change take turns, and no further host is changed once one has failed in the same task.
  - >-
    Values of settings that are not options of this module, such as C(log-opts) and C(proxies), are never shown.
author:
  - netfleet.docker contributors (@netfleet)
options:
  default_address_pools:
    description:
      - >-
        Subnets that networks without a subnet of their own are taken from. They must overlap neither each other nor
        O(bip).
    type: list
    elements: dict
    suboptions:
      base:
        description:
          - Subnet that networks are taken from.
        type: str
        required: true
      size:
        description:
          - Prefix length of one network.
        type: int
        required: true
  bip:
    description:
      - Address of the default bridge with its prefix, such as V(172.17.0.1/16).
    type: str
  bip6:
    description:
      - IPv6 address of the default bridge with its prefix. Requires Docker Engine 28.
    type: str
  fixed_cidr:
    description:
      - Part of the default bridge's subnet that containers get addresses from.
    type: str
  fixed_cidr_v6:
    description:
      - IPv6 subnet that containers of the default bridge get addresses from.
    type: str
  mtu:
    description:
      - MTU of the default bridge, V(68) to V(65535).
    type: int
  icc:
    description:
      - Whether containers of the default bridge can reach each other.
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
      - Whether addresses of the default bridge's containers are masqueraded.
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
      - Whether the default bridge has IPv6.
    type: bool
  userland_proxy:
    description:
      - Whether the engine starts a proxy process for each published port.
    type: bool
  dns:
    description:
      - Addresses of the DNS servers of containers.
    type: list
    elements: str
  dns_search:
    description:
      - DNS search domains of containers.
    type: list
    elements: str
  dns_opts:
    description:
      - Resolver options of containers.
    type: list
    elements: str
  hosts:
    description:
      - >-
        Sockets that the engine listens on: C(fd://), C(unix://PATH) or C(tcp://ADDRESS:PORT). One of them has to be
        C(fd://) or C(unix:///var/run/docker.sock), which the host's own tools use. TCP on other addresses than those of
        loopback requires O(tlsverify).
      - >-
        A drop-in of the unit, C(netfleet-hosts.conf), removes the sockets from the engine's command, because the engine
        refuses sockets in both places. It is removed again with V(hosts) in O(settings_absent).
    type: list
    elements: str
  tlsverify:
    description:
      - >-
        Whether TCP clients have to present a certificate of O(tlscacert). Requires O(tlscacert), O(tlscert) and
        O(tlskey).
    type: bool
  tlscacert:
    description:
      - Path on the host of the certificate authority's certificate.
    type: path
  tlscert:
    description:
      - Path on the host of the engine's certificate.
    type: path
  tlskey:
    description:
      - Path on the host of the engine's private key.
    type: path
  live_restore:
    description:
      - >-
        Whether containers keep running while the engine is restarted. The module enables it before the first restart,
        so that it applies to that one already. Docker does not support it on a host in a Swarm.
      - >-
        The default bridge keeps its settings while containers run; they change at the next restart at which no
        container runs.
    type: bool
  settings_absent:
    description:
      - Keys of C(daemon.json) to remove, as they are named there, such as V(fixed-cidr).
    type: list
    elements: str
    default: []
  stop_containers:
    description:
      - >-
        Whether a restart may stop running containers. Otherwise a change that would stop containers is refused. It is
        not needed with O(live_restore=true).
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
    type: dict
    default: {}
  sysctls_file:
    description:
      - Path of the file that keeps O(sysctls) for the next boot.
    type: path
    default: /etc/sysctl.d/60-netfleet-docker.conf
  modules:
    description:
      - Kernel modules to load. A module that is built into the kernel counts as loaded. A missing one is an error.
    type: list
    elements: str
    default: []
  modules_optional:
    description:
      - Kernel modules to load where the host has them.
    type: list
    elements: str
    default: []
  modules_file:
    description:
      - Path of the file that keeps the loaded ones of O(modules) and O(modules_optional) for the next boot.
    type: path
    default: /etc/modules-load.d/netfleet-docker.conf
  lock_timeout:
    description:
      - How many seconds to wait for another run of this collection on the same host, which changes something, to end.
      - A check does not wait.
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
      Has a part on the controller: the module runs in check mode first, and where something has to change again, in the
      host's turn.
notes:
  - >-
    A run that was killed after it had written the files leaves a note in C(/run). The next run restarts the engine, and
    restores the files from before the killed run if the engine does not work with the new ones.
  - Does not install Docker Engine. See the role P(netfleet.docker.engine#role).
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

- name: Use the engine's defaults again
  netfleet.docker.engine:
    settings_absent: [mtu, hosts, tlsverify, tlscacert, tlscert, tlskey]

- name: Load kernel modules and set sysctls
  netfleet.docker.engine:
    modules: [overlay, br_netfilter]
    sysctls:
      net.ipv4.ip_forward: 1
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
  description: Whether the engine was started or restarted, or in check mode would be.
  returned: success
  type: bool
  sample: true
settings:
  description: >-
    Settings in C(daemon.json) afterwards. The values of others that may be secret are C((not shown)).
  returned: success
  type: dict
  sample:
    icc: false
    log-opts: (not shown)
    mtu: 1450
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result, lock_timeout
from ansible_collections.netfleet.docker.plugins.module_utils._engine.options import SPEC
from ansible_collections.netfleet.docker.plugins.module_utils._engine.transaction import reconcile


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    exit_with_result(module, lambda: reconcile(module.params, lock_timeout(module)))


if __name__ == "__main__":
    main()
