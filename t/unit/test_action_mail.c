/* Templates, and mail to a small SMTP server. */
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "action/render.h"
#include "t/lib/story.h"
#include "t/unit/action_rig.h"

/* ---- templates ---- */

static void
rendered(struct strbuf *out, enum action_type type, bool firing)
{
	struct alert al = rig_alert(7, firing);
	struct note n = { .alert = &al, .id = "tocsin-1-2",
		.address = "127.1.0.1", .link = "http://m/v1/hosts/h1",
		.at = { al.since.ms + 1 } };

	strbuf_reset(out);
	render(out, type, &n);
	ck_assert(!out->failed);
}

START_TEST(r110_r112_templates_give_what_they_always_gave)
{
	static const struct {
		enum action_type type;
		bool firing;
		const char *text;
	} golden[] = {
	{ ACTION_WEBHOOK, true,
		"{\"version\":1,\"id\":\"tocsin-1-2\","
		"\"at\":\"2026-01-01T00:00:00.001Z\",\"status\":\"firing\","
		"\"alert\":7,\"key\":\"host_unhealthy/h1\","
		"\"kind\":\"host_unhealthy\",\"severity\":\"critical\","
		"\"summary\":\"h1 is unhealthy: <no reply> & \\\"more\\\"\","
		"\"host\":\"h1\",\"address\":\"127.1.0.1\","
		"\"partition\":\"rack1\",\"tags\":{\"team\":\"web\","
		"\"host\":\"clash\",\"rack-no\":\"7\"},"
		"\"since\":\"2026-01-01T00:00:00.000Z\",\"ended\":null,"
		"\"link\":\"http://m/v1/hosts/h1\",\"detail\":{\"reason\":"
		"\"no_reply\",\"risk\":0.5,\"evidence\":[{\"rule\":"
		"\"pending\",\"value\":16},{\"rule\":\"realloc\","
		"\"value\":8}]}}" },
	{ ACTION_ALERTMANAGER, false,
		"{\"labels\":{\"alertname\":\"host_unhealthy\","
		"\"host\":\"h1\",\"partition\":\"rack1\","
		"\"severity\":\"critical\",\"team\":\"web\","
		"\"tag_host\":\"clash\",\"rack_no\":\"7\"},"
		"\"annotations\":{\"summary\":\"h1 is unhealthy: <no reply> "
		"& \\\"more\\\"\",\"description\":\"host: h1 (127.1.0.1)\\n"
		"partition: rack1\\nsince: 2026-01-01T00:00:00.000Z\\n"
		"ended: 2026-01-01T00:01:00.000Z\\nreason: no_reply\\n"
		"risk: 0.5\\nevidence: \\n  - rule=pending value=16\\n"
		"  - rule=realloc value=8\\nhttp://m/v1/hosts/h1\\n\","
		"\"address\":\"127.1.0.1\"},"
		"\"startsAt\":\"2026-01-01T00:00:00.000Z\","
		"\"endsAt\":\"2026-01-01T00:01:00.000Z\","
		"\"generatorURL\":\"http://m/v1/hosts/h1\"}" },
	{ ACTION_PAGERDUTY, false,
		"{\"event_action\":\"resolve\","
		"\"dedup_key\":\"tocsin-7-1767225600000\","
		"\"client\":\"Tocsin\",\"links\":[{\"href\":"
		"\"http://m/v1/hosts/h1\",\"text\":\"Tocsin\"}],"
		"\"payload\":{\"summary\":\"h1 is unhealthy: <no reply> & "
		"\\\"more\\\"\",\"source\":\"h1\",\"severity\":\"critical\","
		"\"timestamp\":\"2026-01-01T00:00:00.000Z\","
		"\"group\":\"rack1\",\"class\":\"host_unhealthy\","
		"\"custom_details\":{\"address\":\"127.1.0.1\",\"tags\":"
		"{\"team\":\"web\",\"host\":\"clash\",\"rack-no\":\"7\"},"
		"\"detail\":{\"reason\":\"no_reply\",\"risk\":0.5,"
		"\"evidence\":[{\"rule\":\"pending\",\"value\":16},"
		"{\"rule\":\"realloc\",\"value\":8}]}}}}" },
	{ ACTION_SLACK, true,
		"{\"text\":\"FIRING critical: h1 is unhealthy: "
		"&lt;no reply&gt; &amp; \\\"more\\\"\",\"attachments\":"
		"[{\"color\":\"#c62828\",\"fallback\":\"h1 is unhealthy: "
		"<no reply> & \\\"more\\\"\",\"text\":\"host: h1 (127.1.0.1)"
		"\\npartition: rack1\\nsince: 2026-01-01T00:00:00.000Z\\n"
		"reason: no_reply\\nrisk: 0.5\\nevidence: \\n"
		"  - rule=pending value=16\\n  - rule=realloc value=8\\n"
		"http://m/v1/hosts/h1\\n\",\"ts\":1767225600}]}" },
	};
	struct strbuf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		json_t *j;

		rendered(&out, golden[i].type, golden[i].firing);
		ck_assert_str_eq(strbuf_str(&out), golden[i].text);
		j = json_loads(strbuf_str(&out), JSON_REJECT_DUPLICATES, NULL);
		ck_assert_ptr_nonnull(j);
		json_decref(j);
	}
	strbuf_free(&out);
}
END_TEST

START_TEST(a_body_too_long_or_none_is_left_out)
{
	struct alert al = rig_alert(1, true);
	struct note n = { .alert = &al, .id = "x", .address = "", .link = "" };
	char *body = malloc(DETAIL_MAX_BYTES + 64);
	struct strbuf out = { 0 };
	json_t *j;

	snprintf(body, DETAIL_MAX_BYTES + 64, "{\"a\":\"%0*d\"}",
		DETAIL_MAX_BYTES, 0);
	for (int i = 0; i < 2; i++) {
		al.body = i == 0 ? body : "";
		for (enum action_type t = ACTION_WEBHOOK; t < ACTION_SMTP; t++) {
			strbuf_reset(&out);
			render(&out, t, &n);
			ck_assert_uint_lt(out.n, 4096);
			j = json_loads(strbuf_str(&out), 0, NULL);
			ck_assert_ptr_nonnull(j);
			json_decref(j);
		}
	}
	strbuf_free(&out);
	free(body);
}
END_TEST

START_TEST(no_summary_smuggles_a_header_into_a_mail)
{
	struct alert al = rig_alert(1, true);
	struct note n = { .alert = &al, .id = "x", .address = "", .link = "" };
	struct strbuf out = { 0 };
	char *end;

	al.summary = "h1\r\nBcc: all@example.org\r\n\r\nhello";
	render(&out, ACTION_SMTP, &n);
	end = strstr(strbuf_str(&out), "\r\n\r\n");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	ck_assert_ptr_null(strstr(out.p, "\nBcc"));
	strbuf_reset(&out);
	al.summary = "h1 is ill: \xc3\xa4";
	render(&out, ACTION_SMTP, &n);
	ck_assert_ptr_nonnull(strstr(out.p, "Subject: [tocsin] =?UTF-8?B?"));
	strbuf_free(&out);
}
END_TEST

/* ---- a small SMTP server, one mail a connection ---- */

struct post {
	int listener;
	int port;
	pthread_t thread;
	char mail[8][8192];
	char rcpt[8][128];
	_Atomic size_t n;
	bool refuse_first;
};

static void
say(FILE *f, const char *line)
{
	fputs(line, f);
	fflush(f);
}

static void
take_mail(struct post *p, FILE *f)
{
	char line[1024], *mail = p->mail[p->n];
	size_t at = 0;

	say(f, "354 go on\r\n");
	while (fgets(line, sizeof(line), f) != NULL &&
	    strcmp(line, ".\r\n") != 0)
		at += (size_t)snprintf(mail + at, sizeof(p->mail[0]) - at, "%s",
			line);
	p->n++;
	say(f, "250 taken\r\n");
}

static void
serve_one(struct post *p, FILE *f)
{
	char line[1024];

	say(f, p->refuse_first ? "421 later\r\n" : "220 here\r\n");
	if (p->refuse_first) {
		p->refuse_first = false;
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "DATA", 4) == 0) {
			take_mail(p, f);
			continue;
		}
		if (strncmp(line, "RCPT", 4) == 0)
			snprintf(p->rcpt[p->n], sizeof(p->rcpt[0]), "%.100s",
				line);
		say(f, "250 ok\r\n");
		if (strncmp(line, "QUIT", 4) == 0)
			return;
	}
}

static void *
serve(void *arg)
{
	struct post *p = arg;
	int fd;

	while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
		FILE *f = fdopen(fd, "r+");

		serve_one(p, f);
		fclose(f);
	}
	return NULL;
}

static void
post_open(struct post *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	memset(p, 0, sizeof(*p));
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(p->listener, (struct sockaddr *)&a, len), 0);
	getsockname(p->listener, (struct sockaddr *)&a, &len);
	p->port = ntohs(a.sin_port);
}

static void
post_start(struct post *p)
{
	listen(p->listener, 16);
	pthread_create(&p->thread, NULL, serve, p);
}

static void
post_close(struct post *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
}

static void
rig_mail(struct rig *r, const struct post *p)
{
	static const char *const to[] = { "On Call <oncall@example.org>" };
	static char server[64];

	rig_init(r, -1);
	snprintf(server, sizeof(server), "127.0.0.1:%d", p->port);
	r->receivers[0].type = ACTION_SMTP;
	r->receivers[0].server = server;
	r->receivers[0].from = "tocsin@example.org";
	r->receivers[0].to = to;
	r->receivers[0].n_to = 1;
	rig_setup(r);
}

START_TEST(mail_is_sent_and_sent_again_when_it_was_not_taken)
{
	struct change_outbox old = { .id = 9, .receiver = "ops",
		.firing = true, .at = { INT64_C(1767225665000) },
		.payload = "Subject: old\r\n\r\nold\r\n" };
	struct change_delivery none = { .error = "" };
	struct alert al = rig_alert(1, true);
	struct post *p = calloc(1, sizeof(*p));
	struct rig r;

	post_open(p);
	p->refuse_first = true;
	post_start(p);
	rig_mail(&r, p);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_uint_eq(p->n, 1);
	ck_assert_ptr_nonnull(strstr(p->rcpt[0], "<oncall@example.org>"));
	ck_assert_ptr_nonnull(strstr(p->mail[0],
		"To: On Call <oncall@example.org>\r\n"));
	ck_assert_ptr_nonnull(strstr(p->mail[0], "Message-ID: <tocsin-1-"));
	ck_assert_ptr_nonnull(strstr(p->mail[0],
		"Subject: [tocsin] FIRING critical: h1 is unhealthy"));
	ck_assert_ptr_nonnull(strstr(p->mail[0], "host: h1 (127.1.0.1)\r\n"));
	ck_assert_ptr_nonnull(strstr(p->mail[0], "rule=pending value=16"));
	ck_assert_int_eq(action_restore_message(r.a, &old, &none), 0);
	r.want = 2;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_ptr_nonnull(strstr(p->mail[1],
		"\r\nDate: Thu, 01 Jan 2026 00:01:05 +0000\r\n"));
	rig_fini(&r);
	post_close(p);
	free(p);
}
END_TEST

START_TEST(down_from_begin_to_end_one_mail_tells_of_both)
{
	struct alert al = rig_alert(1, true), other = rig_alert(2, true);
	struct post *p = calloc(1, sizeof(*p));
	struct rig r;

	post_open(p);	/* not listening: refused */
	rig_mail(&r, p);
	rig_raise(&r, &al);
	rig_raise(&r, &other);
	r.want = 1;
	ck_assert(!rig_run(&r, rig_done, dur_ms(300)));
	al = rig_alert(1, false);
	rig_raise(&r, &al);
	post_start(p);
	r.want = 3;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_uint_eq(p->n, 2);
	ck_assert_ptr_nonnull(strstr(p->mail[0], "] FIRING"));
	ck_assert_ptr_nonnull(strstr(p->mail[1], "] RESOLVED"));
	ck_assert_ptr_nonnull(strstr(p->mail[1],
		"since: 2026-01-01T00:00:00.000Z\r\n"
		"ended: 2026-01-01T00:01:00.000Z\r\n"));
	rig_fini(&r);
	post_close(p);
	free(p);
}
END_TEST

int
main(void)
{
	return STORIES("action: templates and mail",
		r110_r112_templates_give_what_they_always_gave,
		a_body_too_long_or_none_is_left_out,
		no_summary_smuggles_a_header_into_a_mail,
		mail_is_sent_and_sent_again_when_it_was_not_taken,
		down_from_begin_to_end_one_mail_tells_of_both);
}
