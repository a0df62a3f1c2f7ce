/* The boot probe over trees of its own. */
#include <stdio.h>
#include <string.h>
#include <utmp.h>

#include "t/lib/probe_rig.h"
#include "t/lib/story.h"

#define FIRST "11111111-2222-3333-4444-555555555555\n"
#define SECOND "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n"
#define BTIME 1700000000

/* A machine up for 1000 s, with a marker beside its tree. */
static struct rig *
machine(char marker[96])
{
	struct rig *r = rig_new();

	snprintf(marker, 96, "%s/boots", r->root);
	r->opts[1].s = marker;
	rig_file(r, "proc/sys/kernel/random/boot_id", FIRST);
	rig_file(r, "proc/uptime", "1000.25 1900.00\n");
	rig_file(r, "proc/stat", "cpu 1 2 3\nbtime 1700000000\n");
	return r;
}

static struct utmp
record(short type, const char *user, int32_t at)
{
	struct utmp u = { .ut_type = type };

	memcpy(u.ut_user, user, strlen(user));
	u.ut_tv.tv_sec = at;
	return u;
}

START_TEST(a_first_sight_tells_the_uptime_and_no_more)
{
	char marker[96];
	struct rig *r = machine(marker);

	rig_run(r);
	ck_sample(r, "uptime_seconds", "", 1000.25);
	ck_sample(r, "boot_time_seconds", "", BTIME);
	ck_sample(r, "boots_total", "", 1);
	ck_sample(r, "unclean_reboots_total", "", 0);
	ck_assert(!rig_has(r, "boot_unclean", ""));
	ck_assert(!rig_has(r, "kernel_crash_records", ""));
	rig_free(r);
}
END_TEST

START_TEST(the_kernels_release_is_a_label)
{
	char marker[96];
	struct rig *r = machine(marker);

	rig_file(r, "proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
	rig_run(r);
	ck_sample(r, "kernel_info", "release=\"6.1.0-13-amd64\"", 1);
	rig_file(r, "proc/sys/kernel/osrelease", "6.1\"} 7\n");
	rig_run(r);
	for (size_t i = 0; i < r->n; i++)
		ck_assert_str_ne(r->samples[i].name, "kernel_info");
	rig_free(r);
}
END_TEST

START_TEST(a_new_boot_after_no_goodbye_is_unclean)
{
	char marker[96];
	struct rig *r = machine(marker);
	struct rig *next;
	double before;

	rig_run(r);
	before = rig_value(r, "boot_id_hash", "");
	/* the power fails: the marker stays as it is, nobody calls close */
	next = rig_new();
	next->opts[0].s = r->root;
	next->opts[1].s = marker;
	rig_file(r, "proc/sys/kernel/random/boot_id", SECOND);
	rig_run(next);
	ck_sample(next, "boot_unclean", "", 1);
	ck_sample(next, "unclean_reboots_total", "", 1);
	ck_sample(next, "boots_total", "", 2);
	ck_assert(rig_value(next, "boot_id_hash", "") != before);
	/* told for the whole of this boot, a restart of the agent included */
	rig_restart(next);
	rig_run(next);
	ck_sample(next, "boot_unclean", "", 1);
	ck_sample(next, "unclean_reboots_total", "", 1);
	rig_free(next);
	rig_free(r);
}
END_TEST

START_TEST(a_goodbye_before_the_boot_accuses_nobody)
{
	char marker[96];
	struct rig *r = machine(marker);

	rig_run(r);
	rig_restart(r);
	rig_file(r, "proc/sys/kernel/random/boot_id", SECOND);
	rig_run(r);
	ck_assert(!rig_has(r, "boot_unclean", ""));
	ck_sample(r, "unclean_reboots_total", "", 0);
	ck_sample(r, "boots_total", "", 2);
	rig_free(r);
}
END_TEST

START_TEST(wtmp_knows_better_than_the_marker)
{
	char marker[96];
	struct rig *r = machine(marker);
	struct rig *next = rig_new();
	struct utmp w[] = {
		record(BOOT_TIME, "reboot", BTIME - 90000),
		record(USER_PROCESS, "ann", BTIME - 80000),
		record(RUN_LVL, "shutdown", BTIME - 60),
		record(BOOT_TIME, "reboot", BTIME + 2),
		record(RUN_LVL, "runlevel", BTIME + 9),
	};

	rig_run(r);
	/* the agent was killed, later the machine shut down properly */
	next->opts[0].s = r->root;
	next->opts[1].s = marker;
	rig_file(r, "proc/sys/kernel/random/boot_id", SECOND);
	rig_bytes(r, "var/log/wtmp", w, sizeof(w));
	rig_run(next);
	ck_sample(next, "boot_unclean", "", 0);
	ck_sample(next, "unclean_reboots_total", "", 0);
	rig_free(next);
	rig_free(r);
}
END_TEST

START_TEST(wtmp_alone_finds_a_missing_shutdown)
{
	char marker[96];
	struct rig *r = machine(marker);
	struct utmp w[] = {
		record(RUN_LVL, "shutdown", BTIME - 90010),
		record(BOOT_TIME, "reboot", BTIME - 90000),
		record(BOOT_TIME, "reboot", BTIME + 7200),
	};

	rig_bytes(r, "var/log/wtmp", w, sizeof(w));
	rig_run(r);
	ck_sample(r, "boot_unclean", "", 1);
	ck_sample(r, "unclean_reboots_total", "", 1);
	rig_free(r);
}
END_TEST

START_TEST(wtmp_of_another_time_is_not_heard)
{
	char marker[96];
	struct rig *r = machine(marker);
	struct utmp w[] = {
		record(BOOT_TIME, "reboot", BTIME - 900000),
		record(BOOT_TIME, "reboot", BTIME - 800000),
	};

	rig_bytes(r, "var/log/wtmp", w, sizeof(w));
	rig_run(r);
	ck_assert(!rig_has(r, "boot_unclean", ""));
	rig_free(r);
}
END_TEST

START_TEST(crash_records_of_the_firmware_are_counted)
{
	char marker[96];
	struct rig *r = machine(marker);

	rig_file(r, "sys/fs/pstore/dmesg-efi-170000000001001", "Panic#1");
	rig_file(r, "sys/fs/pstore/dmesg-efi-170000000002001", "Panic#1");
	rig_file(r, "sys/fs/pstore/console-ramoops-0", "…");
	rig_run(r);
	ck_sample(r, "kernel_crash_records", "", 2);
	rig_free(r);
}
END_TEST

START_TEST(hostile_text_is_survived)
{
	static const char *const markers[] = {
		"", "v1", "v2 x running 1 2 0", "v1 x running",
		"v1 x running 18446744073709551616 0 0", "v1 x running 1 1 9",
		"v1 0000000000000000000000000000000000000000000 running 1 1 0",
		"\xff\x01",
	};
	char marker[96];
	struct rig *r = machine(marker);
	char junk[1000];

	memset(junk, 0xff, sizeof(junk));
	rig_bytes(r, "var/log/wtmp", junk, sizeof(junk));
	rig_file(r, "proc/uptime", "-1 x");
	rig_file(r, "proc/stat", "btime x\n");
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		struct rig *fresh = rig_new();

		fresh->opts[0].s = r->root;
		fresh->opts[1].s = marker;
		rig_file(r, "boots", markers[i]);
		rig_run(fresh);
		ck_sample(fresh, "boots_total", "", 1);
		ck_assert(!rig_has(fresh, "uptime_seconds", ""));
		rig_free(fresh);
	}
	rig_file(r, "proc/sys/kernel/random/boot_id", "../../etc/passwd\n");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_UNKNOWN);
	rig_free(r);
}
END_TEST

START_TEST(r030_errors_in_the_kernels_log_are_counted)
{
	char marker[96];
	struct rig *r = machine(marker);

	rig_file(r, "dev/kmsg",
		"3,1,100,-;blk_update_request: I/O error, dev sda, sector 8\n"
		" SUBSYSTEM=block\n"
		"1,2,101,-;Oops: 0000 [#1] SMP PTI\n"
		"0,3,102,-;watchdog: BUG: soft lockup - CPU#1 stuck for 22s!\n"
		"3,4,103,-;INFO: task dd:7 blocked for more than 120 seconds.\n"
		"0,5,104,-;mce: [Hardware Error]: Machine check events logged\n"
		/* only told of, and said by a program */
		"6,6,105,-;I/O error, dev sdb (expected)\n"
		"11,7,106,-;kernel BUG at nowhere\n"
		"garbage\n");
	rig_run(r);
	ck_sample(r, "kernel_io_errors_total", "", 1);
	ck_sample(r, "kernel_oopses_total", "", 1);
	ck_sample(r, "kernel_lockups_total", "", 2);
	ck_sample(r, "kernel_machine_checks_total", "", 1);
	/* what was read is not read again */
	rig_run(r);
	ck_sample(r, "kernel_lockups_total", "", 2);
	rig_free(r);
}
END_TEST

START_TEST(where_the_log_is_closed_the_taint_flags_speak)
{
	char marker[96];
	struct rig *r = machine(marker);

	rig_file(r, "proc/sys/kernel/tainted", "4225\n");	/* 7, 12, 0 */
	rig_run(r);
	ck_sample(r, "kernel_oopses_total", "", 1);
	ck_sample(r, "kernel_lockups_total", "", 0);
	ck_sample(r, "kernel_machine_checks_total", "", 0);
	ck_assert(!rig_has(r, "kernel_io_errors_total", ""));
	rig_free(r);
}
END_TEST

int
main(void)
{
	return STORIES("probe boot", a_first_sight_tells_the_uptime_and_no_more,
		the_kernels_release_is_a_label,
		a_new_boot_after_no_goodbye_is_unclean,
		a_goodbye_before_the_boot_accuses_nobody,
		wtmp_knows_better_than_the_marker,
		wtmp_alone_finds_a_missing_shutdown,
		wtmp_of_another_time_is_not_heard,
		crash_records_of_the_firmware_are_counted,
		r030_errors_in_the_kernels_log_are_counted,
		where_the_log_is_closed_the_taint_flags_speak,
		hostile_text_is_survived);
}
