/* The disk probe over trees of its own. */
#include <stdio.h>
#include <string.h>

#include "t/lib/probe_rig.h"
#include "t/lib/story.h"

#define SDA "device=\"sda\""

static void
put_disk(struct rig *r, const char *name, const char *sectors)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/block/%s/size", name);
	rig_file(r, path, sectors);
	snprintf(path, sizeof(path), "sys/block/%s/device", name);
	rig_dir(r, path);
}

/* reads, read sectors, read ms; the same written; io ms, weighted ms */
static void
put_stats(struct rig *r, const char *name, const unsigned long v[8])
{
	char text[512];

	snprintf(text, sizeof(text),
		"   7       0 loop0 9 9 9 9 9 9 9 9 9 9 9\n"
		"   8       1 %s1 1 2 3 4\n"
		"   8       0 %s %lu 11 %lu %lu %lu 22 %lu %lu 2 %lu %lu 0 0 0 "
		"0 0 0\n", name, name, v[0], v[1], v[2], v[3], v[4], v[5], v[6],
		v[7]);
	rig_file(r, "proc/diskstats", text);
}

START_TEST(a_disk_tells_its_work)
{
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048\n");
	put_stats(r, "sda", (unsigned long[]){ 10, 80, 500, 20, 160, 900,
		1200, 1400 });
	rig_file(r, "proc/pressure/io",
		"some avg10=0.10 avg60=0 avg300=0 total=5\n");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_sample(r, "disk_reads_completed_total", SDA, 10);
	ck_sample(r, "disk_read_bytes_total", SDA, 40960);
	ck_sample(r, "disk_read_seconds_total", SDA, 0.5);
	ck_sample(r, "disk_writes_completed_total", SDA, 20);
	ck_sample(r, "disk_written_bytes_total", SDA, 81920);
	ck_sample(r, "disk_write_seconds_total", SDA, 0.9);
	ck_sample(r, "disk_io_seconds_total", SDA, 1.2);
	ck_sample(r, "disk_inflight", SDA, 2);
	ck_sample(r, "disk_size_bytes", SDA, 1048576);
	ck_sample(r, "psi_io_some_seconds_total", "", 5e-6);
	ck_assert(!rig_has(r, "disk_utilisation_ratio", SDA));
	ck_assert(!rig_has(r, "disk_errors_total", SDA));
	rig_free(r);
}
END_TEST

START_TEST(latency_and_utilisation_are_those_since_the_run_before)
{
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048");
	put_stats(r, "sda", (unsigned long[]){ 10, 80, 500, 20, 160, 900,
		1200, 1400 });
	rig_run(r);
	/* 15 s later: 4 reads in 100 ms, no write, 3 s busy */
	put_stats(r, "sda", (unsigned long[]){ 14, 112, 600, 20, 160, 900,
		4200, 7400 });
	rig_run(r);
	ck_sample(r, "disk_read_latency_seconds", SDA, 0.025);
	ck_sample(r, "disk_utilisation_ratio", SDA, 0.2);
	ck_sample(r, "disk_queue_length", SDA, 0.4);
	ck_assert(!rig_has(r, "disk_write_latency_seconds", SDA));
	/* nothing done: the last latency that was */
	rig_run(r);
	ck_sample(r, "disk_read_latency_seconds", SDA, 0.025);
	ck_sample(r, "disk_utilisation_ratio", SDA, 0);
	rig_free(r);
}
END_TEST

START_TEST(times_that_pass_32_bits_go_on)
{
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048");
	put_stats(r, "sda", (unsigned long[]){ 10, 0, 4294967290, 1, 0, 1,
		4294966796, 4294967000 });
	rig_run(r);
	put_stats(r, "sda", (unsigned long[]){ 20, 0, 94, 1, 0, 1, 1000,
		1204 });
	rig_run(r);
	ck_sample(r, "disk_read_latency_seconds", SDA, 0.01);
	ck_sample(r, "disk_utilisation_ratio", SDA, 0.1);
	rig_free(r);
}
END_TEST

START_TEST(a_new_disk_of_the_old_name_is_not_compared)
{
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048");
	put_stats(r, "sda", (unsigned long[]){ 5000, 1, 90000, 5000, 1, 90000,
		80000, 99999 });
	rig_run(r);
	put_stats(r, "sda", (unsigned long[]){ 3, 1, 20, 3, 1, 20, 40, 60 });
	rig_run(r);
	ck_assert(!rig_has(r, "disk_read_latency_seconds", SDA));
	ck_assert(!rig_has(r, "disk_utilisation_ratio", SDA));
	rig_free(r);
}
END_TEST

START_TEST(only_whole_disks_count)
{
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048");
	put_disk(r, "sr0", "2048");		/* a CD drive */
	put_disk(r, "sdb", "0");		/* an empty card slot */
	put_disk(r, "nvme0c0n1", "2048");	/* a path of a multipath */
	rig_file(r, "sys/block/nvme0c0n1/hidden", "1\n");
	rig_file(r, "sys/block/loop0/size", "2048");
	rig_file(r, "sys/block/dm-0/size", "2048");
	put_stats(r, "sda", (unsigned long[]){ 1, 1, 1, 1, 1, 1, 1, 1 });
	rig_run(r);
	for (size_t i = 0; i < r->n; i++)
		ck_assert_str_eq(r->samples[i].instance, SDA);
	ck_assert_uint_gt(r->n, 0);
	rig_free(r);
}
END_TEST

START_TEST(what_the_scsi_layer_saw_is_told)
{
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048");
	rig_file(r, "sys/block/sda/device/ioerr_cnt", "0x1f\n");
	rig_file(r, "sys/block/sda/device/iotmo_cnt", "0x2\n");
	rig_file(r, "sys/block/sda/device/state", "offline\n");
	put_stats(r, "sda", (unsigned long[]){ 1, 1, 1, 1, 1, 1, 1, 1 });
	rig_run(r);
	ck_sample(r, "disk_errors_total", SDA, 31);
	ck_sample(r, "disk_timeouts_total", SDA, 2);
	ck_sample(r, "disk_online", SDA, 0);
	rig_file(r, "sys/block/sda/device/state", "running\n");
	rig_run(r);
	ck_sample(r, "disk_online", SDA, 1);
	rig_free(r);
}
END_TEST

START_TEST(a_machine_without_disks_says_so)
{
	struct rig *r = rig_new();

	rig_dir(r, "sys/block");
	rig_file(r, "proc/diskstats", "");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_assert_str_eq(r->text, "no disks here");
	rig_remove(r, "sys/block");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_UNKNOWN);
	rig_free(r);
}
END_TEST

START_TEST(hostile_text_is_survived)
{
	static const char *const stats[] = {
		"", "8 0 sda", "8 0 sda 1 2 3", "8 0", "\n\n8 0 sda x\n",
		"8 0 sda 1 1 1 1 1 1 1 1 1 1 -1\n",
		("8 0 sda 18446744073709551615 1 18446744073709551615 "
		 "1 1 1 1 1 1 1 1\n"),
		"8 0 sda 1 1 1 1 1 1 1 1 1 1 1",
	};
	struct rig *r = rig_new();

	put_disk(r, "sda", "2048");
	put_disk(r, "sd\"b", "2048");
	put_disk(r, "sdc", "-5");
	rig_file(r, "sys/block/sda/device/ioerr_cnt", "0x");
	rig_file(r, "sys/block/sda/device/iotmo_cnt", "0x11111111111111111");
	rig_file(r, "sys/block/sda/device/state", "");
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		rig_file(r, "proc/diskstats", stats[i]);
		rig_run(r);
		ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	}
	for (size_t i = 0; i < r->n; i++)
		ck_assert_str_eq(r->samples[i].instance, SDA);
	ck_assert(!rig_has(r, "disk_errors_total", SDA));
	rig_free(r);
}
END_TEST

int
main(void)
{
	return STORIES("probe disk", a_disk_tells_its_work,
		latency_and_utilisation_are_those_since_the_run_before,
		times_that_pass_32_bits_go_on,
		a_new_disk_of_the_old_name_is_not_compared,
		only_whole_disks_count, what_the_scsi_layer_saw_is_told,
		a_machine_without_disks_says_so, hostile_text_is_survived);
}
