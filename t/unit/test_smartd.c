/*
 * smartd: children with deadlines, the list of drives, readings, replay.  The
 * drives are folders of files and a smartctl that is a shell script.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "smart/helper.h"
#include "smart/smartctl.h"
#include "smartd/child.h"
#include "smartd/serve.h"
#include "t/lib/scratch.h"
#include "t/lib/smart_pages.h"
#include "t/lib/story.h"

/* ---- children ---- */

static struct child_result
ran(const char *script, int64_t deadline_ms, size_t max, struct strbuf *out)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct child_conf conf = { .argv = argv,
		.deadline = dur_ms(deadline_ms), .max_bytes = max };
	struct child_result r;

	strbuf_reset(out);
	ck_assert_int_eq(child_run(&conf, out, &r, NULL), 0);
	return r;
}

START_TEST(a_child_says_something_and_ends)
{
	struct strbuf out = { 0 };
	struct child_result r = ran("echo hello; exit 4", 5000, 100, &out);

	ck_assert_int_eq(r.end, CHILD_EXITED);
	ck_assert_int_eq(r.code, 4);
	ck_assert_str_eq(out.p, "hello\n");
	r = ran("kill -ABRT $$", 5000, 100, &out);
	ck_assert_int_eq(r.end, CHILD_SIGNALED);
	ck_assert_int_eq(r.code, SIGABRT);
	strbuf_free(&out);
}
END_TEST

START_TEST(a_child_inherits_nothing)
{
	struct strbuf out = { 0 };
	int fd = open("/dev/null", O_RDONLY);
	struct child_result r;

	ck_assert_int_eq(setenv("LD_PRELOADED", "x", 1), 0);
	r = ran("ls /proc/self/fd | tr '\\n' ' '; env | sort | tr '\\n' ' '; cat",
		5000, 4096, &out);
	ck_assert_int_eq(r.code, 0);
	/* 3 is the folder that ls reads */
	ck_assert_ptr_eq(strstr(out.p, "0 1 2 3 "), out.p);
	ck_assert_ptr_null(strstr(out.p, "LD_PRELOADED"));
	close(fd);
	strbuf_free(&out);
}
END_TEST

START_TEST(a_hanging_child_is_killed_with_its_children)
{
	struct strbuf out = { 0 };
	struct child_result r;
	int pid = 0, watch;

	/* the grandchild keeps the pipe open */
	r = ran("trap '' TERM; tail -f /dev/null & echo $!; wait", 300, 100, &out);
	ck_assert_int_eq(r.end, CHILD_TIMEOUT);
	ck_assert_int_eq(r.hangs, 0);
	ck_assert_int_eq(sscanf(out.p, "%d", &pid), 1);
	/* the signal was sent; a busy machine delivers it a little later */
	watch = (int)syscall(SYS_pidfd_open, pid, 0);
	if (watch >= 0) {
		struct pollfd dead = { .fd = watch, .events = POLLIN };

		ck_assert_int_eq(poll(&dead, 1, 10000), 1);
		close(watch);
	} else {
		ck_assert_int_eq(errno, ESRCH);
	}
	/* closes its output, and stays */
	r = ran("exec > /dev/null; tail -f /dev/null", 300, 100, &out);
	ck_assert_int_eq(r.end, CHILD_TIMEOUT);
	strbuf_free(&out);
}
END_TEST

START_TEST(a_child_that_says_too_much_is_killed)
{
	struct strbuf out = { 0 };
	struct child_result r = ran("yes", 5000, 100000, &out);

	ck_assert_int_eq(r.end, CHILD_TOO_BIG);
	ck_assert_uint_lt(out.n, 200000);
	strbuf_free(&out);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told_apart)
{
	const char *const argv[] = { "/nonexistent/smartctl", NULL };
	struct child_conf conf = { .argv = argv, .deadline = dur_s(5),
		.max_bytes = 10 };
	struct strbuf out = { 0 };
	struct child_result r;

	ck_assert_int_eq(child_run(&conf, &out, &r, NULL), 0);
	ck_assert_int_eq(r.end, CHILD_EXITED);
	ck_assert_int_eq(r.code, CHILD_NO_EXEC);
	strbuf_free(&out);
}
END_TEST

/* ---- a machine made of files ---- */

struct machine {
	char root[64];
	char tool[128];
	struct smartd_conf conf;
	struct strbuf said;	/* the helper's replies */
};

static struct machine *
machine_new(void)
{
	struct machine *m = MEM_NEW(struct machine);

	ck_assert_ptr_nonnull(m);
	memcpy(m->root, "/tmp/tocsin-smartd-XXXXXX", 26);
	ck_assert_ptr_nonnull(mkdtemp(m->root));
	(void)snprintf(m->tool, sizeof(m->tool), "%s/smartctl", m->root);
	m->conf = (struct smartd_conf){ .root = m->root, .smartctl = m->tool,
		.deadline = dur_s(5) };
	return m;
}

static void
machine_free(struct machine *m)
{
	scratch_remove(m->root);
	strbuf_free(&m->said);
	mem_free(m);
}

static void
put(struct machine *m, const char *name, const void *p, size_t n)
{
	char path[256], *slash;

	(void)snprintf(path, sizeof(path), "%s/%s", m->root, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	ck_assert_int_eq(file_make_dirs(path, 0755, NULL), 0);
	*slash = '/';
	ck_assert_int_eq(file_write_atomic(path, p, n, 0755, NULL), 0);
}

static void
put_str(struct machine *m, const char *name, const char *text)
{
	put(m, name, text, strlen(text));
}

/* A smartctl that logs its arguments; `scan` and `rest` are shell. */
static void
put_tool(struct machine *m, const char *scan, const char *rest)
{
	char text[8192];

	(void)snprintf(text, sizeof(text),
		"#!/bin/sh\necho \"$*\" >> %s/calls\n"
		"if [ \"$2\" = --scan-open ]; then\n%s\nexit 0\nfi\n%s\n",
		m->root, scan, rest);
	put_str(m, "smartctl", text);
}

/* What the helper answers to these requests. */
static const char *
asked(struct machine *m, const char *requests)
{
	char path[128];
	int in[2], out;
	size_t n = strlen(requests);

	(void)snprintf(path, sizeof(path), "%s/said", m->root);
	out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(out, 0);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(write(in[1], requests, n), (ssize_t)n);
	(void)close(in[1]);
	ck_assert_int_eq(serve(&m->conf, in[0], out, NULL), 0);
	(void)close(in[0]);
	(void)close(out);
	strbuf_reset(&m->said);
	ck_assert_int_eq(file_slurp(path, 0, &m->said, NULL), 0);
	return strbuf_str(&m->said);
}

static struct strbuf
calls(struct machine *m)
{
	char path[128];
	struct strbuf text = { 0 };

	(void)snprintf(path, sizeof(path), "%s/calls", m->root);
	(void)file_slurp(path, 0, &text, NULL);
	return text;
}

/* The list's devices out of a reply. */
static size_t
listed(const char *reply, struct smart_helper_device *out, size_t max)
{
	struct smart_helper_list list = { .items = out, .max = max };
	struct tc_err e = { 0 };

	ck_assert_msg(smart_helper_get_devices(reply, strcspn(reply, "\n"),
		&list, &e) == 0, "%s", e.text);
	return list.n;
}

#define SCAN_RAID \
	"echo '{\"devices\":['\n" \
	"for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do\n" \
	"[ $i -gt 0 ] && echo ,\n" \
	"echo '{\"name\":\"/dev/bus/0\",\"type\":\"megaraid,'$i'\"," \
	"\"protocol\":\"SCSI\"}'\ndone\necho ']}'"

START_TEST(raid_members_on_one_path_are_drives_of_their_own)
{
	struct machine *m = machine_new();
	struct smart_helper_device d[32];
	struct strbuf log;

	put_tool(m, SCAN_RAID, "echo '{\"smartctl\":{\"exit_status\":4}}'; exit 4");
	ck_assert_uint_eq(listed(asked(m, "list\nlist\nread 18\n"), d, 32), 18);
	ck_assert_str_eq(d[17].path, "/dev/bus/0");
	ck_assert_str_eq(d[17].type, "megaraid,17");
	ck_assert_ptr_nonnull(strstr(m->said.p,
		"{\"id\":18,\"kind\":\"smartctl\",\"reason\":\"none\",\"exit\":4,"
		"\"bytes\":31}\n{\"smartctl\""));
	/* one scan for two lists; the type goes from the scan to the reading,
	 * and no drive is woken */
	log = calls(m);
	ck_assert_str_eq(log.p, "--json=c --scan-open\n"
		"--json=c -x -n standby,3 -d megaraid,17 /dev/bus/0\n");
	strbuf_free(&log);
	machine_free(m);
}
END_TEST

START_TEST(what_the_scan_does_not_show_the_kernel_does)
{
	struct machine *m = machine_new();
	struct smart_helper_device d[32];
	char link[128];

	put_tool(m, "echo '{\"devices\":[{\"name\":\"/dev/sda\",\"type\":\"scsi\","
		"\"protocol\":\"SCSI\"},{\"name\":\"/dev/nvme0\",\"type\":\"nvme\","
		"\"protocol\":\"NVMe\"},{\"name\":\"/dev/sdb\",\"type\":\"sat\","
		"\"protocol\":\"ATA\",\"open_error\":\"no\"}]}'", "exit 2");
	put_str(m, "sys/block/sda/size", "100\n");
	put_str(m, "sys/block/sda/device/model", "EXAMPLE SAS     \n");
	put(m, "sys/block/sda/device/vpd_pg80", "\0\x80\0\4S123", 8);
	put_str(m, "sys/block/sda/device/wwid", "naa.5000c500a1b2c3d4\n");
	put_str(m, "sys/block/nvme0n1/size", "100\n");
	put_str(m, "sys/block/vda/size", "100\n");
	put_str(m, "sys/block/vda/serial", "virt-1\n");
	put_str(m, "sys/block/loop0/size", "100\n");
	put_str(m, "sys/block/zram0/size", "100\n");
	put_str(m, "sys/block/sdz/size", "0\n");
	put_str(m, "dev/disk/by-id/x", "");
	(void)snprintf(link, sizeof(link), "%s/dev/disk/by-id/wwn-0x5000", m->root);
	ck_assert_int_eq(symlink("../../sda", link), 0);
	(void)snprintf(link, sizeof(link), "%s/dev/disk/by-id/scsi-SEX_1", m->root);
	ck_assert_int_eq(symlink("../../sda", link), 0);
	(void)snprintf(link, sizeof(link), "%s/dev/disk/by-id/ata-x-part1",
		m->root);
	ck_assert_int_eq(symlink("../../sda1", link), 0);
	ck_assert_uint_eq(listed(asked(m, "list\nread 4\nread 3\n"), d, 32), 4);
	ck_assert_str_eq(d[0].model, "EXAMPLE SAS");
	ck_assert_str_eq(d[0].serial, "S123");
	ck_assert_str_eq(d[0].wwn, "5000c500a1b2c3d4");
	ck_assert_str_eq(d[0].name, "scsi-SEX_1");
	ck_assert_str_eq(d[1].path, "/dev/nvme0");
	ck_assert_int_eq(d[2].why, SMART_HELPER_OPEN);
	ck_assert_str_eq(d[3].path, "/dev/vda");
	ck_assert_str_eq(d[3].serial, "virt-1");
	ck_assert_int_eq(d[3].why, SMART_HELPER_NO_SMART);
	ck_assert_ptr_nonnull(strstr(m->said.p, "{\"id\":4,\"kind\":\"none\","
		"\"reason\":\"no_smart\",\"bytes\":0}\n"));
	ck_assert_ptr_nonnull(strstr(m->said.p, "{\"id\":3,\"kind\":\"none\","
		"\"reason\":\"failed\",\"bytes\":0}\n"));
	machine_free(m);
}
END_TEST

START_TEST(a_scan_that_names_odd_things_is_not_followed)
{
	struct machine *m = machine_new();
	struct smart_helper_device d[8];

	put_tool(m, "echo '{\"devices\":["
		"{\"name\":\"/etc/shadow\",\"type\":\"sat\"},"
		"{\"name\":\"/dev/sda;reboot\",\"type\":\"sat\"},"
		"{\"name\":\"/dev/sda\",\"type\":\"--help\"},"
		"{\"name\":\"/dev/sda\",\"type\":\"a b\"},"
		"{\"name\":\"/dev/sda\"},{\"name\":\"/dev/sdc\",\"type\":\"scsi\"}"
		"]}'", "exit 2");
	ck_assert_uint_eq(listed(asked(m, "list\n"), d, 8), 1);
	ck_assert_str_eq(d[0].path, "/dev/sdc");
	machine_free(m);
}
END_TEST

START_TEST(a_machine_without_smartctl_still_lists_its_drives)
{
	struct machine *m = machine_new();
	struct smart_helper_device d[8];

	put_str(m, "sys/block/nvme0n1/size", "100\n");
	ck_assert_uint_eq(listed(asked(m, "list\nread 1\n"), d, 8), 1);
	ck_assert_str_eq(d[0].path, "/dev/nvme0");
	ck_assert_ptr_nonnull(strstr(m->said.p, "\"reason\":\"no_smartctl\""));
	machine_free(m);
}
END_TEST

#define SCAN_ONE "echo '{\"devices\":[{\"name\":\"/dev/sdx\"," \
	"\"type\":\"scsi\",\"protocol\":\"SCSI\"}]}'"

START_TEST(a_drive_that_hangs_is_given_up_at_the_deadline)
{
	struct machine *m = machine_new();

	m->conf.deadline = dur_ms(300);
	put_tool(m, SCAN_ONE, "tail -f /dev/null");
	ck_assert_ptr_nonnull(strstr(asked(m, "list\nread 1\n"),
		"{\"id\":1,\"kind\":\"none\",\"reason\":\"timeout\",\"bytes\":0}"));
	put_tool(m, SCAN_ONE, "kill -SEGV $$");
	ck_assert_ptr_nonnull(strstr(asked(m, "list\nread 1\n"),
		"\"reason\":\"crashed\""));
	machine_free(m);
}
END_TEST

START_TEST(callers_can_name_nothing_but_numbers_of_the_list)
{
	static const char *const bad[] = { "read 1\n", "list\nread 2\n",
		"list\nread 0\n", "list\nread /dev/sdx\n", "list\nread -1\n",
		"list\nread 4294967297\n", "list\nread 1 \n", "list\nread \n",
		"LIST\n", "\n", "quit\n", "read\n",
		"list\nread 99999999999999999999999\n" };
	struct machine *m = machine_new();

	put_tool(m, SCAN_ONE, "echo '{}'");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(strstr(asked(m, bad[i]), "{\"error\":") != NULL,
			"%s", bad[i]);
	}
	machine_free(m);
}
END_TEST

START_TEST(a_request_without_end_ends_the_session)
{
	struct machine *m = machine_new();
	char text[1000];
	struct tc_err e = { 0 };
	int in[2], out = open("/dev/null", O_WRONLY | O_CLOEXEC);

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(write(in[1], text, sizeof(text)), 1000);
	(void)close(in[1]);
	ck_assert_int_eq(serve(&m->conf, in[0], out, &e), TC_EPROTO);
	(void)close(in[0]);
	(void)close(out);
	machine_free(m);
}
END_TEST

START_TEST(recorded_dumps_play_drives)
{
	static const struct fake_drive drive = { .model = "EXAMPLE",
		.serial = "1", .firmware = "1", .sectors = 1000, .n = 1,
		.attributes = { { 5, 100, 100, 36, 3 } } };
	static const char json[] = "\n{\"id\":1,\"kind\":\"smartctl\","
		"\"reason\":\"none\",\"bytes\":30}\n"
		"{\"smartctl\":{\"exit_status\":0}}\n";
	struct machine *m = machine_new();
	struct smart_helper_device d[8];
	uint8_t blob[FAKE_BLOB_BYTES];
	char dir[128];

	fake_blob(&drive, blob);
	put(m, "dumps/b/blob", blob, sizeof(blob));
	put_str(m, "dumps/a.json", "{\"smartctl\":{\"exit_status\":0}}");
	put_str(m, "dumps/README", "hello");
	put_str(m, "dumps/scan.json", "{\"smartctl\":{},\"devices\":[]}");
	(void)snprintf(dir, sizeof(dir), "%s/dumps", m->root);
	m->conf.replay = dir;
	ck_assert_uint_eq(listed(asked(m, "list\nread 2\nread 1\n"), d, 8), 2);
	ck_assert_ptr_nonnull(strstr(d[0].path, "/dumps/a.json"));
	ck_assert_ptr_nonnull(strstr(d[1].path, "/dumps/b/blob"));
	ck_assert_ptr_nonnull(strstr(m->said.p,
		"{\"id\":2,\"kind\":\"blob\",\"reason\":\"none\",\"bytes\":1572}\n"
		"IDFY"));
	ck_assert_ptr_nonnull(memmem(m->said.p, m->said.n, json, strlen(json)));
	m->conf.replay = "/nonexistent";
	ck_assert_ptr_nonnull(strstr(asked(m, "list\n"), "{\"error\":"));
	machine_free(m);
}
END_TEST

START_TEST(lines_of_the_helper_read_back_the_same)
{
	struct smart_helper_device in = { .id = 7, .path = "/dev/a \"b\"",
		.type = "sat", .name = "ata-x", .serial = "S", .wwn = "5000",
		.why = SMART_HELPER_STUCK }, out[2];
	struct smart_helper_reading r = { .id = 9, .kind = SMART_KIND_BLOB,
		.why = SMART_HELPER_OK, .exit = { true, 64 }, .bytes = 77 }, back;
	struct smart_helper_list list = { .items = out, .max = 2 };
	struct strbuf text = { 0 };

	strbuf_puts(&text, "{\"devices\":[");
	smart_helper_put_device(&text, &in);
	strbuf_puts(&text, "]}");
	ck_assert_int_eq(smart_helper_get_devices(text.p, text.n, &list, NULL),
		0);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_mem_eq(&in, &out[0], sizeof(in));
	list.max = 0;
	ck_assert_int_eq(smart_helper_get_devices(text.p, text.n, &list, NULL),
		TC_EPROTO);
	strbuf_reset(&text);
	smart_helper_put_reading(&text, &r);
	ck_assert_int_eq(smart_helper_get_reading(text.p, text.n, &back, NULL), 0);
	ck_assert_uint_eq(back.id, 9);
	ck_assert_int_eq(back.kind, SMART_KIND_BLOB);
	ck_assert_uint_eq(back.exit.v, 64);
	ck_assert_uint_eq(back.bytes, 77);
	strbuf_free(&text);
}
END_TEST

START_TEST(lines_that_no_helper_sends_are_refused)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"id\":0}",
		"{\"id\":\"1\"}", "{\"id\":1,\"kind\":\"gift\"}",
		"{\"id\":1,\"reason\":\"because\"}", "{\"id\":1,\"bytes\":-1}",
		"{\"id\":1,\"bytes\":99999999}", "{\"error\":\"no\"}",
		"{\"id\":1,\"exit\":\"x\"}", "{\"id\":1",
		"{\"devices\":[{\"id\":1},{}]}" };
	struct smart_helper_reading r;
	struct smart_helper_device d[4];
	struct smart_helper_list list = { .items = d, .max = 4 };
	struct tc_err e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_int_lt(smart_helper_get_reading(bad[i], strlen(bad[i]),
			&r, &e), 0);
		ck_assert_int_lt(smart_helper_get_devices(bad[i], strlen(bad[i]),
			&list, &e), 0);
	}
}
END_TEST

int
main(void)
{
	return STORIES("smartd", a_child_says_something_and_ends,
		a_child_inherits_nothing,
		a_hanging_child_is_killed_with_its_children,
		a_child_that_says_too_much_is_killed,
		a_program_that_is_not_there_is_told_apart,
		raid_members_on_one_path_are_drives_of_their_own,
		what_the_scan_does_not_show_the_kernel_does,
		a_scan_that_names_odd_things_is_not_followed,
		a_machine_without_smartctl_still_lists_its_drives,
		a_drive_that_hangs_is_given_up_at_the_deadline,
		callers_can_name_nothing_but_numbers_of_the_list,
		a_request_without_end_ends_the_session,
		recorded_dumps_play_drives,
		lines_of_the_helper_read_back_the_same,
		lines_that_no_helper_sends_are_refused);
}
