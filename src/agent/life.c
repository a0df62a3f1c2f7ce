#include "agent/life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

#define STATE_MAX_BYTES 512

int
life_lock(const char *state_dir, int *fd, struct tc_err *e)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "%s/agent.lock", state_dir);
	int lock;

	if (n < 0 || (size_t)n >= sizeof(path))
		return tc_fail(e, TC_ERANGE, "%.100s…: too long", state_dir);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return tc_fail_errno(e, errno, "%s", path);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		int err = errno;

		close(lock);
		if (err == EWOULDBLOCK)
			return tc_fail(e, TC_EBUSY,
				"%s: another agent runs with this state",
				state_dir);
		return tc_fail_errno(e, err, "%s", path);
	}
	*fd = lock;
	return 0;
}

static void
read_boot_id(char out[40])
{
	struct strbuf text = {0};

	out[0] = '\0';
	if (file_slurp("/proc/sys/kernel/random/boot_id", 64, &text,
		       NULL) == 0 && text.n >= 36)
		snprintf(out, 40, "%.36s", text.p);
	strbuf_free(&text);
}

/* "v1 running BOOT-ID MS -\n", "v1 stopped BOOT-ID MS SIGTERM\n" */
static void
take_past(struct life *life, const char *text)
{
	char word[16], boot[40], reason[64];
	long long ms;

	life->before = LIFE_NONE;
	if (sscanf(text, "v1 %15s %39s %lld %63s", word, boot, &ms,
		   reason) != 4)
		return;
	life->before_at.ms = ms;
	if (strcmp(word, "stopped") == 0) {
		life->before = LIFE_STOPPED;
		memcpy(life->reason, reason, sizeof(reason));
	} else {
		life->before = strcmp(boot, life->boot_id) == 0 ?
			LIFE_CRASHED : LIFE_MACHINE_DOWN;
	}
}

static int
write_state(const struct life *life, const char *word, const char *reason,
	struct wall now, struct tc_err *e)
{
	char text[STATE_MAX_BYTES];
	int n = snprintf(text, sizeof(text), "v1 %s %s %lld %s\n", word,
		life->boot_id[0] ? life->boot_id : "-", (long long)now.ms,
		reason);

	return file_write_atomic(life->path, text, (size_t)n, 0600, e);
}

int
life_begin(struct life *life, const char *state_dir, struct wall now,
	struct tc_err *e)
{
	struct strbuf text = {0};
	int rc;

	*life = (struct life){0};
	snprintf(life->path, sizeof(life->path), "%s/agent.state", state_dir);
	read_boot_id(life->boot_id);
	rc = file_slurp(life->path, STATE_MAX_BYTES, &text, e);
	if (rc == 0)
		take_past(life, strbuf_str(&text));
	strbuf_free(&text);
	return write_state(life, "running", "-", now, e);
}

int
life_end(const struct life *life, const char *reason, struct wall now,
	struct tc_err *e)
{
	return write_state(life, "stopped", reason, now, e);
}

void
life_words(const struct life *life, char *text, size_t size)
{
	char at[WALL_TEXT];

	wall_format(life->before_at, at, sizeof(at));
	switch (life->before) {
	case LIFE_NONE:
		snprintf(text, size, "first run here");
		return;
	case LIFE_STOPPED:
		snprintf(text, size, "the run before stopped: %s, %s",
			life->reason, at);
		return;
	case LIFE_CRASHED:
		snprintf(text, size,
			"the run before, of %s, was killed or crashed", at);
		return;
	case LIFE_MACHINE_DOWN:
		snprintf(text, size,
			"the machine went down under the run of %s", at);
		return;
	}
}
