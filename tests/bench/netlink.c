/*
 * SPDX-FileCopyrightText: netfleet.docker contributors
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Measure the time of the kernel to return links, addresses, routes, neighbors and rules of the namespaces of the
 * given processes. Responses are received and counted, but not decoded. The start of the process is not included.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const int TABLES[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE};
static char buffer[1 << 18];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static long dump(int fd, int type)
{
	/* Larger than the header of any of these tables; zeros request all address families. */
	struct {
		struct nlmsghdr header;
		char body[sizeof(struct ifinfomsg)];
	} request = {.header = {.nlmsg_len = sizeof(request),
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	long messages = 0;

	if (send(fd, &request, sizeof(request), 0) < 0)
		die("send");
	for (;;) {
		long left = recv(fd, buffer, sizeof(buffer), 0);

		if (left < 0)
			die("recv");
		for (struct nlmsghdr *message = (struct nlmsghdr *)buffer; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_type == NLMSG_DONE)
				return messages;
			if (message->nlmsg_type == NLMSG_ERROR) {
				fprintf(stderr, "the kernel refuses a dump of type %d\n", type);
				exit(1);
			}
			messages++;
		}
	}
}

int main(int argc, char **argv)
{
	double began = milliseconds();
	long messages = 0;

	for (int i = 1; i < argc; i++) {
		char path[64];
		int netns, fd;

		snprintf(path, sizeof(path), "/proc/%s/ns/net", argv[i]);
		netns = open(path, O_RDONLY | O_CLOEXEC);
		if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
			die(path);
		close(netns);
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		if (fd < 0)
			die("socket");
		for (unsigned int table = 0; table < sizeof(TABLES) / sizeof(*TABLES); table++)
			messages += dump(fd, TABLES[table]);
		close(fd);
	}
	fprintf(stderr, "{\"milliseconds\": %.3f, \"messages\": %ld}\n", milliseconds() - began, messages);
	return 0;
}
