/*
 * What systemd is told (sd_notify(3)): ready, reloading, stopping, and that
 * work goes on.  The watchdog is fed only while ticks give fresh snapshots; a
 * store that cannot commit is no reason to begin anew.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/daemon.h"

#define STUCK_S 10	/* without a snapshot */

/* An abstract name begins with @. */
static bool
address_of(const char *name, struct sockaddr_un *sa, socklen_t *len)
{
	size_t n = strlen(name);

	if (n < 2 || n >= sizeof(sa->sun_path) ||
	    (name[0] != '/' && name[0] != '@'))
		return false;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, name, n);
	if (name[0] == '@')
		sa->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

void
notify(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa;
	socklen_t len;
	int fd;

	if (name == NULL || !address_of(name, &sa, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&sa, len) < 0)
		log_at(WARN, "daemon", "systemd not told state=%s errno=%d",
			state, errno);
	close(fd);
}

static void
feed(void *arg, struct mono now)
{
	struct daemon *d = arg;

	if (mono_diff(now, d->published_at).ns < dur_s(STUCK_S).ns)
		notify("WATCHDOG=1");
	sched_at(d->sched, &d->watchdog, mono_add(now, d->watchdog_every));
}

/* WATCHDOG_PID: meant for another process of the service. */
void
notify_start(struct daemon *d)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t us, whom;

	notify("READY=1");
	if (usec == NULL || u64_parse(usec, strlen(usec), &us) < 0 ||
	    us < 1000 || us > UINT64_C(86400000000))
		return;
	if (pid != NULL && (u64_parse(pid, strlen(pid), &whom) < 0 ||
	    whom != (uint64_t)getpid()))
		return;
	d->watchdog_every = dur_ns((int64_t)us * 1000 / 3);
	sched_timer_init(&d->watchdog, feed, d);
	sched_at(d->sched, &d->watchdog, (struct mono){ 0 });
}

void
notify_stop(struct daemon *d)
{
	if (d->watchdog_every.ns != 0)
		sched_cancel(d->sched, &d->watchdog);
	notify("STOPPING=1");
}
