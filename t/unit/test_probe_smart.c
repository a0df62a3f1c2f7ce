/*
 * probe smart: the real helper over recorded drives that never were, and
 * helpers that lie.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tocsin/probe.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "t/lib/scratch.h"
#include "t/lib/smart_pages.h"
#include "t/lib/story.h"

extern const struct tocsin_probe tocsin_probe_v1;

struct seen {
	char model[80], serial[256], wwn[80], text[256];
	uint16_t outcome, reason;
	bool is_machine;
	size_t n;
	struct { char name[40]; double v; } samples[100];
};

struct rig {
	char root[64], dumps[96], helper[256];
	struct tocsin_ctx ctx;
	void *instance;
	int64_t timeout_ns;
	size_t n;
	struct seen seen[64];
};

static int64_t
rig_mono(struct tocsin_ctx *ctx)
{
	struct clock *c = clock_system();

	(void)ctx;
	return c->mono(c).ns;
}

static bool
is_declared(const char *name)
{
	size_t n = strlen(name);

	for (const struct tocsin_metric *m = tocsin_probe_v1.metrics; m->name;
	     m++) {
		if (strcmp(m->name, name) == 0)
			return true;
	}
	return strncmp(name, "smart_", 6) == 0 && n > 10 &&
		strcmp(name + n - 4, "_raw") == 0;
}

static void
rig_report(struct tocsin_ctx *ctx, uint32_t slot, const struct tocsin_report *r)
{
	struct rig *rig = ctx->host;
	struct seen *s = &rig->seen[rig->n++];

	ck_assert_uint_eq(slot, 3);
	ck_assert_uint_le(rig->n, 64);
	memset(s, 0, sizeof(*s));
	s->outcome = r->outcome;
	s->reason = r->reason;
	s->is_machine = r->device == NULL;
	if (r->device != NULL) {
		ck_assert_str_eq(r->device->kind, "disk");
		(void)snprintf(s->model, sizeof(s->model), "%s", r->device->model);
		(void)snprintf(s->serial, sizeof(s->serial), "%s",
			r->device->serial);
		(void)snprintf(s->wwn, sizeof(s->wwn), "%s",
			r->device->wwn != NULL ? r->device->wwn : "");
	}
	(void)snprintf(s->text, sizeof(s->text), "%s", r->text ? r->text : "");
	for (uint32_t i = 0; i < r->n_samples; i++) {
		const struct tocsin_sample *p = &r->samples[i];

		ck_assert_msg(is_declared(p->name), "%s", p->name);
		ck_assert_uint_lt(s->n, 100);
		(void)snprintf(s->samples[s->n].name, 40, "%s", p->name);
		s->samples[s->n++].v = p->type == TOCSIN_U64 ?
			(double)p->v.u64 : p->v.f64;
	}
}

static struct rig *
rig_new(void)
{
	struct rig *r = MEM_NEW(struct rig);
	const char *build = getenv("top_builddir");
	char error[256];

	ck_assert_ptr_nonnull(r);
	memcpy(r->root, "/tmp/tocsin-smart-XXXXXX", 25);
	ck_assert_ptr_nonnull(mkdtemp(r->root));
	(void)snprintf(r->dumps, sizeof(r->dumps), "%s/dumps", r->root);
	ck_assert_int_eq(file_make_dirs(r->dumps, 0755, NULL), 0);
	(void)snprintf(r->helper, sizeof(r->helper), "%s/tocsin-smartd",
		build != NULL ? build : ".");
	r->timeout_ns = dur_s(30).ns;
	r->ctx = (struct tocsin_ctx){ .size = sizeof(r->ctx), .host = r,
		.mono_ns = rig_mono, .report = rig_report };
	ck_assert_int_eq(tocsin_probe_v1.open(&r->ctx, &r->instance, error), 0);
	return r;
}

static void
rig_free(struct rig *r)
{
	tocsin_probe_v1.close(r->instance);
	scratch_remove(r->root);
	mem_free(r);
}

static void
put(struct rig *r, const char *name, const void *p, size_t n)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", r->root, name);
	ck_assert_int_eq(file_write_atomic(path, p, n, 0755, NULL), 0);
}

static void
put_blob(struct rig *r, const char *name, const struct fake_drive *d)
{
	uint8_t blob[FAKE_BLOB_BYTES];

	fake_blob(d, blob);
	put(r, name, blob, sizeof(blob));
}

static void
put_json(struct rig *r, const char *name, const char *json)
{
	put(r, name, json, strlen(json));
}

static void
run(struct rig *r)
{
	struct tocsin_value values[] = { { .s = r->helper }, { .s = r->dumps } };
	struct tocsin_target t = { .size = sizeof(t), .slot = 3, .host = "h1",
		.address = "", .n_opts = 2, .opts = values,
		.timeout_ns = r->timeout_ns };

	r->n = 0;
	ck_assert_int_eq(tocsin_probe_v1.run(r->instance, &t, &r->ctx), 0);
	ck_assert_uint_ge(r->n, 1);
	/* the machine comes last, always */
	ck_assert(r->seen[r->n - 1].is_machine);
}

static const struct seen *
machine(const struct rig *r)
{
	return &r->seen[r->n - 1];
}

static double
value(const struct seen *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->samples[i].name, name) == 0)
			return s->samples[i].v;
	}
	return -1;
}

static const struct fake_drive good = { .model = "EXAMPLE HDD",
	.serial = "S1", .firmware = "1", .sectors = 1000000,
	.wwn = 0x5000c500a1b2c3d4, .passed = true, .n = 3, .attributes = {
		{ 5, 100, 100, 36, 3 }, { 188, 100, 99, 0, 4295032841 },
		{ 197, 100, 100, 0, 16 } } };

#define NVME(passed, warning, used) \
	"{\"smartctl\":{\"exit_status\":8},\"device\":{\"protocol\":\"NVMe\"}," \
	"\"model_name\":\"EXAMPLE NVME\",\"serial_number\":\"N1\"," \
	"\"smart_status\":{\"passed\":" passed "}," \
	"\"nvme_smart_health_information_log\":{\"critical_warning\":" warning \
	",\"percentage_used\":" used ",\"available_spare\":100," \
	"\"media_errors\":2}}"

START_TEST(each_drive_is_one_report_and_the_machine_another)
{
	struct rig *r = rig_new();

	put_blob(r, "dumps/a", &good);
	put_json(r, "dumps/b", NVME("true", "0", "7"));
	run(r);
	ck_assert_uint_eq(r->n, 3);
	ck_assert_str_eq(r->seen[0].model, "EXAMPLE HDD");
	ck_assert_str_eq(r->seen[0].serial, "S1");
	ck_assert_str_eq(r->seen[0].wwn, "5000c500a1b2c3d4");
	ck_assert_uint_eq(r->seen[0].outcome, TOCSIN_OK);
	ck_assert_double_eq(value(&r->seen[0], "pending_sectors"), 16);
	ck_assert_double_eq(value(&r->seen[0], "smart_197_raw"), 16);
	ck_assert_double_eq(value(&r->seen[0], "smart_188_raw"), 4295032841.0);
	ck_assert_double_eq(value(&r->seen[0], "command_timeouts"), 9);
	ck_assert_double_eq(value(&r->seen[0], "smart_passed"), 1);
	ck_assert_double_eq(value(&r->seen[0], "firmware_info"), 1);
	ck_assert_double_eq(value(&r->seen[1], "media_errors"), 2);
	ck_assert_double_eq_tol(value(&r->seen[1], "wear_ratio"), 0.07, 1e-9);
	ck_assert_double_eq(value(machine(r), "smart_devices"), 2);
	ck_assert_uint_eq(machine(r)->outcome, TOCSIN_OK);
	rig_free(r);
}
END_TEST

START_TEST(the_next_run_sees_what_changed)
{
	struct fake_drive worse = good;
	struct rig *r = rig_new();

	put_blob(r, "dumps/a", &good);
	run(r);
	worse.attributes[2].raw = 17;
	put_blob(r, "dumps/a", &worse);
	run(r);
	ck_assert_double_eq(value(&r->seen[0], "pending_sectors"), 17);
	rig_free(r);
}
END_TEST

START_TEST(a_drive_that_says_it_failed_failed_but_worn_is_not_failed)
{
	static const struct { const char *json; uint16_t outcome, reason; }
	rows[] = {
		{ NVME("false", "1", "7"), TOCSIN_FAIL, TOCSIN_WHY_DEVICE_FAILED },
		{ NVME("false", "5", "104"), TOCSIN_FAIL,
			TOCSIN_WHY_DEVICE_FAILED },
		{ NVME("false", "4", "7"), TOCSIN_FAIL, TOCSIN_WHY_DEVICE_FAILED },
		{ NVME("false", "4", "104"), TOCSIN_OK, TOCSIN_WHY_NONE },
		{ NVME("true", "0", "104"), TOCSIN_OK, TOCSIN_WHY_NONE },
	};
	struct rig *r = rig_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_json(r, "dumps/a", rows[i].json);
		run(r);
		ck_assert_uint_eq(r->seen[0].outcome, rows[i].outcome);
		ck_assert_uint_eq(r->seen[0].reason, rows[i].reason);
	}
	rig_free(r);
}
END_TEST

START_TEST(a_drive_that_sleeps_keeps_its_name)
{
	static const char asleep[] = "{\"smartctl\":{\"messages\":[{\"string\":"
		"\"Device is in STANDBY mode, exit(3)\","
		"\"severity\":\"information\"}],\"exit_status\":3}}";
	struct rig *r = rig_new();

	/* never seen awake: counted, not named */
	put_json(r, "dumps/a", asleep);
	run(r);
	ck_assert_uint_eq(r->n, 1);
	ck_assert_uint_eq(machine(r)->outcome, TOCSIN_OK);
	ck_assert_double_eq(value(machine(r), "smart_devices_asleep"), 1);
	put_blob(r, "dumps/a", &good);
	run(r);
	for (int day = 0; day < 30; day++) {
		put_json(r, "dumps/a", asleep);
		run(r);
		ck_assert_uint_eq(r->n, 2);
		ck_assert_str_eq(r->seen[0].serial, "S1");
		ck_assert_uint_eq(r->seen[0].outcome, TOCSIN_OK);
		ck_assert_uint_eq(r->seen[0].reason, TOCSIN_WHY_DEVICE_ASLEEP);
		ck_assert_uint_eq(r->seen[0].n, 0);
	}
	rig_free(r);
}
END_TEST

START_TEST(what_cannot_be_read_is_a_gap_not_a_healthy_drive)
{
	uint8_t blob[FAKE_BLOB_BYTES];
	struct rig *r = rig_new();

	put_json(r, "dumps/a", "{\"smartctl\":{\"exit_status\":2,\"messages\":"
		"[{\"string\":\"open failed\",\"severity\":\"error\"}]}}");
	put_json(r, "dumps/b", "{\"smartctl\":{\"exit_status\":4},"
		"\"smart_support\":{\"available\":false}}");
	put_json(r, "dumps/c", "{\"smartctl\":{\"exit_status\":0},}");
	fake_blob(&good, blob);
	blob[700] ^= 1;
	put(r, "dumps/d", blob, sizeof(blob));
	run(r);
	ck_assert_uint_eq(r->n, 5);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(r->seen[i].outcome, TOCSIN_UNKNOWN);
	ck_assert_uint_eq(r->seen[0].reason, TOCSIN_WHY_DEVICE_UNREADABLE);
	ck_assert_str_eq(r->seen[0].text, "a: open failed");
	ck_assert_str_eq(r->seen[0].serial, "a");
	ck_assert_uint_eq(r->seen[1].reason, TOCSIN_WHY_NO_SMART);
	ck_assert_ptr_nonnull(strstr(r->seen[2].text, "line 1 column"));
	ck_assert_str_eq(r->seen[3].text, "a page's checksum is wrong");
	ck_assert_double_eq(value(&r->seen[3], "pending_sectors"), -1);
	ck_assert_double_eq(value(machine(r), "smart_devices_unreadable"), 3);
	ck_assert_double_eq(value(machine(r), "smart_devices_no_smart"), 1);
	ck_assert_str_eq(machine(r)->text,
		"4 of 4 drives not covered: a: open failed");
	rig_free(r);
}
END_TEST

START_TEST(drives_of_one_name_are_told_apart_by_their_place)
{
	struct rig *r = rig_new();

	put_blob(r, "dumps/a", &good);
	put_blob(r, "dumps/b", &good);
	for (int i = 0; i < 2; i++) {
		run(r);
		ck_assert_uint_eq(r->n, 3);
		ck_assert_str_eq(r->seen[0].serial, "S1");
		ck_assert_str_eq(r->seen[1].serial, "S1@b");
	}
	rig_free(r);
}
END_TEST

START_TEST(without_a_helper_the_machine_is_unknown)
{
	struct rig *r = rig_new();

	(void)snprintf(r->helper, sizeof(r->helper), "%s/none", r->root);
	run(r);
	ck_assert_uint_eq(r->n, 1);
	ck_assert_uint_eq(machine(r)->outcome, TOCSIN_UNKNOWN);
	ck_assert_uint_eq(machine(r)->reason, TOCSIN_WHY_UNSUPPORTED);
	rig_free(r);
}
END_TEST

START_TEST(a_helper_that_lies_is_replaced)
{
	static const char *const liars[] = {
		"exit 0", "echo nonsense; cat", "yes", "cat",
		"read x; echo '{\"devices\":[{\"id\":1}]}'; read x; echo "
		"'{\"id\":2,\"bytes\":0}'; cat",
		"read x; echo '{\"devices\":[{\"id\":4000000}]}'; cat",
		"read x; echo '{\"devices\":[{\"id\":1}]}'; read x; echo "
		"'{\"id\":1,\"bytes\":3}'; echo abcdef; cat",
		"read x; echo '{\"devices\":[{\"id\":1}]}'; read x; echo "
		"'{\"id\":1,\"bytes\":300}'; echo abcdef",
		"read x; echo '{\"devices\":[{\"id\":1}]}'; "
		"exec tail -f /dev/null",
	};
	struct rig *r = rig_new();
	char script[512], real[256];

	memcpy(real, r->helper, sizeof(real));
	put_blob(r, "dumps/a", &good);
	for (size_t i = 0; i < sizeof(liars) / sizeof(liars[0]); i++) {
		(void)snprintf(script, sizeof(script), "#!/bin/sh\n"
			"PATH=/bin:/usr/bin\n%s\n", liars[i]);
		put(r, "liar", script, strlen(script));
		(void)snprintf(r->helper, sizeof(r->helper), "%s/liar", r->root);
		r->timeout_ns = dur_ms(600).ns;
		run(r);
		ck_assert_msg(machine(r)->outcome == TOCSIN_UNKNOWN, "%s",
			liars[i]);
		ck_assert_uint_eq(r->n, 1);
		r->timeout_ns = dur_s(30).ns;
		memcpy(r->helper, real, sizeof(real));
		run(r);
		ck_assert_uint_eq(r->n, 2);
	}
	rig_free(r);
}
END_TEST

/* A service manager: one helper for each connection, `n` of them. */
static pid_t
serve_socket(const struct rig *r, const char *path, int n)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	pid = fork();
	if (pid == 0) {
		while (n-- > 0) {
			int c = accept(fd, NULL, NULL);

			if (fork() == 0) {
				(void)dup2(c, 0);
				(void)dup2(c, 1);
				(void)execl(r->helper, r->helper, "--replay",
					r->dumps, (char *)NULL);
				_exit(127);
			}
			(void)close(c);
		}
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	(void)close(fd);
	return pid;
}

START_TEST(a_helper_may_be_reached_through_a_socket)
{
	struct rig *r = rig_new();
	char path[96];
	pid_t server;

	put_blob(r, "dumps/a", &good);
	(void)snprintf(path, sizeof(path), "%s/sock", r->root);
	server = serve_socket(r, path, 1);
	memcpy(r->helper, path, sizeof(path));
	run(r);
	run(r);
	ck_assert_uint_eq(r->n, 2);
	ck_assert_str_eq(r->seen[0].serial, "S1");
	rig_free(r);
	/* the connection is closed: the helper ends, and so does its parent */
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
}
END_TEST

int
main(void)
{
	return STORIES("probe smart",
		each_drive_is_one_report_and_the_machine_another,
		the_next_run_sees_what_changed,
		a_drive_that_says_it_failed_failed_but_worn_is_not_failed,
		a_drive_that_sleeps_keeps_its_name,
		what_cannot_be_read_is_a_gap_not_a_healthy_drive,
		drives_of_one_name_are_told_apart_by_their_place,
		without_a_helper_the_machine_is_unknown,
		a_helper_that_lies_is_replaced,
		a_helper_may_be_reached_through_a_socket);
}
