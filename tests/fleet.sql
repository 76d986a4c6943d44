-- SPDX-FileCopyrightText: netfleet.docker contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A healthy fleet of any size. Containers of each host by their number modulo ten: two on the default bridge, five on a
-- user-defined bridge, two on an overlay, one on a macvlan segment.

CREATE TEMP TABLE made AS
SELECT format('node-{:05d}', h) AS host, h, c, c % 10 AS k, CAST(4026540000 + c AS VARCHAR) AS netns,
  ['web', 'api', 'worker', 'cache', 'db'][1 + c % 5] || '-' || (c // 5 + 1) AS container
FROM range($hosts) AS hosts(h), range($containers) AS containers(c);

INSERT INTO host BY NAME SELECT format('node-{:05d}', h) AS host, format('node-{:05d}', h) AS name,
  '2026-03-01T08:00:00Z' AS taken_at FROM range($hosts) AS hosts(h);

INSERT INTO netns BY NAME SELECT host, $HOST AS netns, 'host' AS kind, 'host' AS reference, CAST([] AS VARCHAR[]) AS containers FROM host;

INSERT INTO netns BY NAME SELECT host, $OVERLAY AS netns, 'overlay' AS kind, 'docker:1-q7m2' AS reference,
  'mesh' AS docker_network, CAST([] AS VARCHAR[]) AS containers FROM host;

INSERT INTO netns BY NAME SELECT host, netns, 'container' AS kind, 'container:' || container AS reference, container,
  [container] AS containers FROM made;

INSERT INTO interface BY NAME SELECT host, $HOST AS netns, unnest(links, recursive := true), true AS up, true AS running, 1500 AS mtu
FROM host, (SELECT [
  {"index": 1, 'name': 'lo', 'kind': 'loopback', 'docker_network': NULL},
  {"index": 2, 'name': 'eth0', 'kind': NULL, 'docker_network': NULL},
  {"index": 3, 'name': 'docker0', 'kind': 'bridge', 'docker_network': 'bridge'},
  {"index": 4, 'name': 'br-3f2a90c81d5e', 'kind': 'bridge', 'docker_network': 'shop'},
  {"index": 5, 'name': 'docker_gwbridge', 'kind': 'bridge', 'docker_network': 'docker_gwbridge'}] AS links);

INSERT INTO interface BY NAME SELECT host, $OVERLAY AS netns, unnest(links, recursive := true), true AS up, true AS running, 1450 AS mtu, 'mesh' AS docker_network
FROM host, (SELECT [
  {"index": 2, 'name': 'br0', 'kind': 'bridge', 'master_index': NULL, 'options': NULL},
  {"index": 3, 'name': 'vxlan0', 'kind': 'vxlan', 'master_index': 2, 'options': '{"vni": 4097}'}] AS links);

INSERT INTO interface BY NAME SELECT host, CASE WHEN k IN (7, 8) THEN $OVERLAY ELSE $HOST END AS netns, 100 + c AS "index",
  format('veth{:07x}', 16777216 + h * 4001 + c * 7919) AS name, 'veth' AS kind, true AS up, true AS running,
  CASE WHEN k IN (7, 8) THEN 1450 ELSE 1500 END AS mtu, CASE WHEN k < 2 THEN 3 WHEN k < 7 THEN 4 ELSE 2 END AS master_index,
  netns AS peer_netns, 1000 + c AS peer_index FROM made WHERE k < 9;

INSERT INTO interface BY NAME SELECT host, $HOST AS netns, 5000 + c AS "index", format('veth{:07x}', 33554432 + h * 4001 + c * 7919) AS name,
  'veth' AS kind, true AS up, true AS running, 1500 AS mtu, 5 AS master_index, netns AS peer_netns, 6000 + c AS peer_index FROM made WHERE k IN (7, 8);

INSERT INTO interface BY NAME SELECT host, netns, 6000 + c AS "index", 'eth1' AS name, 'veth' AS kind, true AS up, true AS running,
  1500 AS mtu, $HOST AS peer_netns, 5000 + c AS peer_index FROM made WHERE k IN (7, 8);

INSERT INTO interface BY NAME SELECT host, netns, 1000 + c AS "index", 'eth0' AS name, CASE WHEN k = 9 THEN 'macvlan' ELSE 'veth' END AS kind,
  true AS up, true AS running, CASE WHEN k IN (7, 8) THEN 1450 ELSE 1500 END AS mtu,
  format('02:42:{:02x}:{:02x}:{:02x}:{:02x}', h // 256 % 256, h % 256, c // 256, c % 256) AS mac,
  CASE WHEN k IN (7, 8) THEN $OVERLAY WHEN k < 7 THEN $HOST END AS peer_netns, CASE WHEN k < 9 THEN 100 + c END AS peer_index,
  CASE WHEN k = 9 THEN $HOST END AS parent_netns, CASE WHEN k = 9 THEN 2 END AS parent_index,
  CASE WHEN k = 9 THEN '{"mode": "bridge"}' END AS options FROM made;

INSERT INTO address BY NAME SELECT host, netns, 1000 + c AS "index", 'eth0' AS interface, 4 AS family, CASE
  WHEN k < 2 THEN format('172.17.{}.{}', c // 250, 2 + c % 250) WHEN k < 7 THEN format('172.18.{}.{}', c // 250, 2 + c % 250)
  WHEN k < 9 THEN format('10.30.{}.{}', h % 250, 2 + c) ELSE format('192.168.{}.{}', 40 + h // 50 % 200, 2 + c) END AS address,
  CASE WHEN k < 7 THEN 16 ELSE 24 END AS prefixlen, 'global' AS scope FROM made;

INSERT INTO address BY NAME SELECT host, netns, 6000 + c AS "index", 'eth1' AS interface, 4 AS family, format('172.19.0.{}', 2 + c) AS address,
  16 AS prefixlen, 'global' AS scope FROM made WHERE k IN (7, 8);

INSERT INTO address BY NAME SELECT format('node-{:05d}', h) AS host, $HOST AS netns, 2 AS "index", 'eth0' AS interface, 4 AS family,
  format('10.{}.{}.{}', h // 62500, h // 250 % 250, 1 + h % 250) AS address, 16 AS prefixlen, 'global' AS scope FROM range($hosts) AS hosts(h);

INSERT INTO address BY NAME SELECT host, $HOST AS netns, i AS "index", link AS interface, 4 AS family, format('172.{}.0.1', 14 + i) AS address,
  16 AS prefixlen, 'global' AS scope FROM host, (VALUES (3, 'docker0'), (4, 'br-3f2a90c81d5e'), (5, 'docker_gwbridge')) AS bridges(i, link);

INSERT INTO fdb BY NAME SELECT format('node-{:05d}', h) AS host, $OVERLAY AS netns, 3 AS "index", 'vxlan0' AS interface,
  format('02:42:0a:1e:00:{:02x}', p) AS mac, format('10.{}.{}.{}', o // 62500, o // 250 % 250, 1 + o % 250) AS dst
FROM (SELECT h, p, h // 4 * 4 + p AS o FROM range($hosts) AS hosts(h), range(4) AS peers(p)) WHERE o <> h AND o < $hosts;

INSERT INTO docker_network BY NAME SELECT format('node-{:05d}', h) AS host, 'mesh' || h // 4 AS id, 'mesh' || (h // 4 + 1) AS name, 'overlay' AS driver,
  false AS config_only, format('[{{"subnet": "10.30.{}.0/24"}}]', h // 4 % 250) AS ipam FROM range($hosts) AS hosts(h);

INSERT INTO docker_network BY NAME SELECT format('node-{:05d}', h) AS host, 'lan' || h AS id, 'lan' AS name, 'macvlan' AS driver,
  false AS config_only, format('[{{"subnet": "192.168.{}.0/24"}}]', 40 + h // 50 % 200) AS ipam FROM range($hosts) AS hosts(h);

INSERT INTO docker_endpoint BY NAME SELECT host, ['bridge', 'shop', 'mesh', 'lan'][CASE WHEN k < 2 THEN 1 WHEN k < 7 THEN 2 WHEN k < 9 THEN 3 ELSE 4 END] AS network,
  container, address || '/' || prefixlen AS ipv4 FROM made JOIN address USING (host, netns) WHERE "index" = 1000 + c;

DROP TABLE made;
