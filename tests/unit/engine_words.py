# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engine API responses of a small host, with a canary in every field that must never be collected."""

from __future__ import annotations

from typing import Any

CANARY = "kanarienvogel"
ID, OTHER, NETWORK, ENDPOINT = "c1" * 32, "c2" * 32, "d1" * 32, "e1" * 32

ENDPOINTS: dict[str, Any] = {
    "web": {
        "IPAMConfig": {"IPv4Address": "192.0.2.9"},
        "Links": [CANARY],
        "Aliases": ["www", ID[:12]],
        "DriverOpts": {"plugin.password": CANARY},
        "NetworkID": NETWORK,
        "EndpointID": ENDPOINT,
        "MacAddress": "02:42:AC:00:00:02",
        "Gateway": "192.0.2.1",
        "IPAddress": "192.0.2.9",
        "IPPrefixLen": 24,
        "IPv6Gateway": "FD00:0::1",
        "GlobalIPv6Address": "fd00::9",
        "GlobalIPv6PrefixLen": 64,
        "GwPriority": 0,
        "DNSNames": ["web-1"],
    },
    "wish": {"NetworkID": "", "EndpointID": "", "IPAMConfig": {"IPv4Address": "192.0.2.10"}},
}
CONTAINER: dict[str, Any] = {
    "Id": ID,
    "Name": "/web-1",
    "Created": "2026-01-01T00:00:00Z",
    "Path": CANARY,
    "Args": [CANARY],
    "Image": "sha256:00",
    "State": {"Status": "running", "Pid": 42, "StartedAt": "2026-01-01T00:00:01Z", "Error": CANARY},
    "Config": {
        "Image": "web:1",
        "Env": [f"PASSWORD={CANARY}"],
        "Cmd": [CANARY],
        "Entrypoint": [CANARY],
        "Labels": {"com.docker.compose.project": "shop", "team": "red", "secret": CANARY},
        "Healthcheck": {"Test": [CANARY]},
    },
    "HostConfig": {
        "NetworkMode": f"container:{OTHER}",
        "Binds": [CANARY],
        "LogConfig": {"Config": {"token": CANARY}},
        "Sysctls": {"net.ipv4.ip_forward": "1", "kernel.domainname": CANARY},
        "CapAdd": ["NET_ADMIN"],
        "CapDrop": None,
        "Privileged": False,
        "PidMode": "",
        "Dns": ["192.0.2.53"],
        "ExtraHosts": ["db:192.0.2.3"],
    },
    "NetworkSettings": {
        "SandboxKey": "/var/run/docker/netns/0123456789ab",
        "Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
            "53/udp": None,
        },
        "Networks": ENDPOINTS,
    },
}
LISTED: dict[str, Any] = {
    "Id": ID,
    "Names": ["/other/alias", "/web-1"],
    "Image": "web:1",
    "ImageID": "sha256:00",
    "Command": CANARY,
    "Labels": {"com.docker.stack.namespace": "shop", "secret": CANARY},
    "State": "paused",
    "Status": "Up 3 days",
    "HostConfig": {"NetworkMode": "web", "Annotations": {"x": CANARY}},
    "NetworkSettings": {"Networks": ENDPOINTS},
    "Mounts": [{"Source": CANARY}],
}
DOCKER_NETWORK: dict[str, Any] = {
    "Id": NETWORK,
    "Name": "web",
    "Created": "2026-01-01T00:00:00Z",
    "Scope": "swarm",
    "Driver": "overlay",
    "EnableIPv6": True,
    "IPAM": {
        "Driver": "default",
        "Options": {"password": CANARY},
        "Config": [
            {
                "Subnet": "192.0.2.0/24",
                "IPRange": "192.0.2.128/25",
                "Gateway": "192.0.2.1/24",
                "AuxiliaryAddresses": {"printer": "192.0.2.7"},
            },
            {"Subnet": "FD00::/64"},
        ],
    },
    "Internal": False,
    "Attachable": True,
    "Ingress": False,
    "ConfigFrom": {"Network": ""},
    "ConfigOnly": False,
    "Containers": {
        ID: {"Name": "web-1", "EndpointID": ENDPOINT, "IPv4Address": "192.0.2.9/24", "IPv6Address": ""},
        "lb-web": {
            "Name": "web-endpoint",
            "EndpointID": "e2" * 32,
            "MacAddress": "02:42:ac:00:00:03",
            "IPv4Address": "192.0.2.3/24",
            "IPv6Address": "",
        },
    },
    "Options": {"encrypted": "", "com.docker.network.driver.mtu": "1400", "password": CANARY},
    "Labels": {"team": "red", "secret": CANARY},
    "Peers": [{"Name": "node-1", "IP": "198.51.100.1"}],
    "Services": {"web": {"Tasks": [{"Info": {"secret": CANARY}}]}},
}
NODE: dict[str, Any] = {
    "ID": "n1",
    "Spec": {"Role": "manager", "Availability": "active", "Labels": {"secret": CANARY}},
    "Description": {"Hostname": "h1", "Engine": {"EngineVersion": "26.1"}, "TLSInfo": {"TrustRoot": CANARY}},
    "Status": {"State": "ready", "Addr": "198.51.100.1", "Message": CANARY},
    "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "198.51.100.1:2377"},
}
SERVICE: dict[str, Any] = {
    "ID": "s1",
    "Spec": {
        "Name": "shop_web",
        "Labels": {"secret": CANARY},
        "TaskTemplate": {"ContainerSpec": {"Env": [CANARY], "Args": [CANARY], "Secrets": [{"SecretName": CANARY}]}},
        "Mode": {"Replicated": {"Replicas": 2}},
        "EndpointSpec": {"Mode": "vip"},
    },
    "Endpoint": {
        "Spec": {"Mode": "vip"},
        "Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}],
        "VirtualIPs": [{"NetworkID": "n", "Addr": "192.0.2.2/24"}],
    },
}
TASK: dict[str, Any] = {
    "ID": "t1",
    "Spec": {"ContainerSpec": {"Env": [CANARY], "Command": [CANARY]}},
    "ServiceID": "s1",
    "Slot": 1,
    "NodeID": "n1",
    "Status": {
        "State": "failed",
        "Message": "started",
        "Err": f'exec: "{CANARY}": executable file not found',
        "ContainerStatus": {"ContainerID": ID, "PID": 42},
    },
    "DesiredState": "shutdown",
    "NetworksAttachments": [{"Network": {"ID": "n", "Spec": {"Name": "web"}}, "Addresses": ["192.0.2.4/24"]}],
}
VERSION: dict[str, Any] = {"Version": "26.1.5", "ApiVersion": "1.45", "Components": [{"Details": {"x": CANARY}}]}
INFO: dict[str, Any] = {
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "LiveRestoreEnabled": True,
    "HttpProxy": f"http://user:{CANARY}@proxy",
    "Labels": [CANARY],
    "RegistryConfig": {"Mirrors": [CANARY]},
    "FirewallBackend": {"Driver": "nftables", "Info": [["x", CANARY]]},
    "DefaultAddressPools": [{"Base": "10.0.0.0/8", "Size": 24}],
    "BridgeNfIptables": True,
    "Warnings": None,
    "Swarm": {
        "NodeID": "n1",
        "NodeAddr": "198.51.100.1",
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "RemoteManagers": [{"NodeID": "n1", "Addr": "198.51.100.1:2377"}],
        "Cluster": {"TLSInfo": {"TrustRoot": CANARY}, "JoinTokens": {"Worker": CANARY}},
    },
}
DAEMON_JSON: dict[str, Any] = {
    "hosts": ["unix:///var/run/docker.sock"],
    "iptables": False,
    "mtu": 1400,
    "bip": "192.0.2.1/24",
    "dns": ["192.0.2.53"],
    "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}],
    "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400", "password": CANARY}, CANARY: {}},
    "proxies": {"http-proxy": f"http://user:{CANARY}@proxy"},
    "log-opts": {"splunk-token": CANARY},
    "tlskey": CANARY,
    "cluster-store-opts": {"kv": CANARY},
}
