/*
 * One request, one reply, in turn.
 */
#include "smartd/serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/units.h"
#include "smart/print.h"
#include "smartd/disks.h"
#include "smartd/read.h"
#include "smartd/replay.h"

struct session {
	const struct smartd_conf *conf;
	struct disks disks;
	int in;
	int out;
	char line[SMART_HELPER_LINE_MAX];
	size_t have;	/* bytes in line[] */
	struct strbuf reply;
	struct strbuf data;
};

static int
write_all(int fd, const char *p, size_t n, struct tc_err *e)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return tc_fail_errno(e, errno, "the caller is gone");
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* 1 a line (its length in *n, the newline is now NUL), 0 the end. */
static int
next_line(struct session *s, size_t *n, struct tc_err *e)
{
	for (;;) {
		char *end = memchr(s->line, '\n', s->have);
		ssize_t got;

		if (end != NULL) {
			*end = '\0';
			*n = (size_t)(end - s->line);
			return 1;
		}
		if (s->have == sizeof(s->line))
			return tc_fail(e, TC_EPROTO, "a request of more than "
				"%zu bytes", sizeof(s->line) - 1);
		got = read(s->in, s->line + s->have, sizeof(s->line) - s->have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tc_fail_errno(e, errno, "cannot read requests");
		if (got == 0)
			return 0;
		s->have += (size_t)got;
	}
}

static void
say_error(struct session *s, const char *text)
{
	strbuf_reset(&s->reply);
	strbuf_puts(&s->reply, "{\"error\":");
	smart_print_text(text, &s->reply);
	strbuf_puts(&s->reply, "}\n");
}

static void
answer_list(struct session *s)
{
	bool replay = s->conf->replay != NULL, first = true;
	struct tc_err why = { 0 };
	int rc = replay ? replay_refresh(&s->disks, &why) :
		disks_refresh(&s->disks, &why);

	if (rc < 0) {
		say_error(s, why.text);
		return;
	}
	strbuf_puts(&s->reply, "{\"devices\":[");
	for (size_t i = 0; i < s->disks.n; i++) {
		if (!s->disks.items[i].present)
			continue;
		if (!first)
			strbuf_putc(&s->reply, ',');
		smart_helper_put_device(&s->reply, &s->disks.items[i].d);
		first = false;
	}
	strbuf_printf(&s->reply, "],\"replay\":%s}\n", replay ? "true" : "false");
	if (s->reply.n > SMART_HELPER_REPLY_MAX)
		say_error(s, "the list is too long");
}

static void
answer_read(struct session *s, const char *id, size_t n)
{
	struct smart_helper_reading r;
	struct disk *k = NULL;
	uint64_t v;

	if (u64_parse(id, n, &v) == 0 && v <= UINT32_MAX)
		k = disks_find(&s->disks, (uint32_t)v);
	if (k == NULL) {
		say_error(s, "no such drive; ask for the list first");
		return;
	}
	if (s->conf->replay != NULL)
		replay_read(k, &r, &s->data);
	else
		read_disk(s->conf, k, &r, &s->data);
	smart_helper_put_reading(&s->reply, &r);
	if (r.bytes != 0) {
		strbuf_add(&s->reply, s->data.p, s->data.n);
		strbuf_putc(&s->reply, '\n');
	}
}

static int
answer(struct session *s, size_t n, struct tc_err *e)
{
	strbuf_reset(&s->reply);
	if (n == 4 && memcmp(s->line, "list", 4) == 0)
		answer_list(s);
	else if (n > 5 && memcmp(s->line, "read ", 5) == 0)
		answer_read(s, s->line + 5, n - 5);
	else
		say_error(s, "unknown request; list, read N");
	if (s->reply.failed) {
		strbuf_free(&s->reply);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	memmove(s->line, s->line + n + 1, s->have - n - 1);
	s->have -= n + 1;
	return write_all(s->out, s->reply.p, s->reply.n, e);
}

int
serve(const struct smartd_conf *conf, int in, int out, struct tc_err *e)
{
	struct session s = { .conf = conf, .in = in, .out = out,
		.disks = { .conf = conf } };
	size_t n = 0;
	int rc;

	while ((rc = next_line(&s, &n, e)) > 0) {
		if ((rc = answer(&s, n, e)) < 0)
			break;
	}
	disks_free(&s.disks);
	strbuf_free(&s.reply);
	strbuf_free(&s.data);
	return rc;
}
