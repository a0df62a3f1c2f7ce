/* The memory probe over trees of its own. */
#include <unistd.h>

#include "t/lib/probe_rig.h"
#include "t/lib/story.h"

#define MEMINFO "MemTotal:        1000 kB\nMemFree:          100 kB\n" \
	"MemAvailable:     250 kB\nBuffers:           10 kB\n" \
	"Cached:           140 kB\nSwapCached:          7 kB\n" \
	"Dirty:              5 kB\nSUnreclaim:         20 kB\n" \
	"SwapTotal:        500 kB\nSwapFree:         400 kB\n" \
	"HardwareCorrupted:     4 kB\nHugePages_Total:       0\n"

START_TEST(a_machine_tells_its_memory)
{
	struct rig *r = rig_new();
	double page = (double)sysconf(_SC_PAGESIZE);

	rig_file(r, "proc/meminfo", MEMINFO);
	rig_file(r, "proc/vmstat",
		"nr_free_pages 1\npswpin 3\npswpout 5\npgmajfault 77\n"
		"oom_kill 2\n");
	rig_file(r, "proc/pressure/memory",
		"some avg10=1.00 avg60=0 avg300=0 total=2000000\n"
		"full avg10=0.50 avg60=0 avg300=0 total=1000000\n");
	rig_run(r);
	ck_sample(r, "memory_total_bytes", "", 1024000);
	ck_sample(r, "memory_available_bytes", "", 256000);
	ck_sample(r, "memory_used_ratio", "", 0.75);
	ck_sample(r, "memory_cached_bytes", "", 143360);
	ck_sample(r, "memory_corrupted_bytes", "", 4096);
	ck_sample(r, "swap_free_bytes", "", 409600);
	ck_sample(r, "swap_in_bytes_total", "", 3 * page);
	ck_sample(r, "swap_out_bytes_total", "", 5 * page);
	ck_sample(r, "memory_major_faults_total", "", 77);
	ck_sample(r, "memory_oom_kills_total", "", 2);
	ck_sample(r, "psi_memory_full_seconds_total", "", 1);
	ck_sample(r, "psi_memory_some_ratio", "", 0.01);
	ck_assert(!rig_has(r, "memory_corrected_errors_total", ""));
	rig_free(r);
}
END_TEST

#define MC "sys/devices/system/edac/mc/"

START_TEST(errors_are_told_by_dimm_and_add_up)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/meminfo", MEMINFO);
	rig_file(r, MC "mc0/ce_count", "13\n");
	rig_file(r, MC "mc0/ue_count", "1\n");
	rig_file(r, MC "mc0/ce_noinfo_count", "1\n");
	rig_file(r, MC "mc0/ue_noinfo_count", "0\n");
	rig_file(r, MC "mc0/dimm0/dimm_ce_count", "12\n");
	rig_file(r, MC "mc0/dimm0/dimm_ue_count", "1\n");
	rig_file(r, MC "mc0/dimm11/dimm_ce_count", "0\n");
	rig_file(r, MC "mc1/ce_count", "5\n");
	rig_file(r, MC "power/mc9/ce_count", "99\n");
	rig_run(r);
	ck_sample(r, "memory_corrected_errors_total",
		"controller=\"mc0\",dimm=\"dimm0\"", 12);
	ck_sample(r, "memory_uncorrected_errors_total",
		"controller=\"mc0\",dimm=\"dimm0\"", 1);
	ck_sample(r, "memory_corrected_errors_total",
		"controller=\"mc0\",dimm=\"dimm11\"", 0);
	ck_sample(r, "memory_corrected_errors_total",
		"controller=\"mc0\",dimm=\"unknown\"", 1);
	ck_sample(r, "memory_corrected_errors_total",
		"controller=\"mc1\"", 5);
	ck_assert(!rig_has(r, "memory_corrected_errors_total",
		"controller=\"mc0\""));
	rig_free(r);
}
END_TEST

START_TEST(hostile_text_is_survived)
{
	static const char *const files[] = {
		"", "MemTotal:", "MemTotal: -4 kB\n", "MemTotal: 0 kB\n",
		"MemTotal:\xff\xff 12\n", "MemAvailable: 5 kB\n",
		"MemTotal: 18446744073709551616 kB\n",
	};
	struct rig *r = rig_new();

	rig_file(r, MC "mc0/ce_count", "many\n");
	rig_file(r, MC "mc0/dimmx/dimm_ce_count", "1");
	rig_file(r, MC "mc0/dimm99999999999/dimm_ce_count", "1");
	rig_file(r, "proc/vmstat", "pswpin\npswpout 1e5\n\n \n");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		rig_file(r, "proc/meminfo", files[i]);
		rig_run(r);
		ck_assert_uint_eq(r->outcome, TOCSIN_UNKNOWN);
		ck_assert_uint_eq(r->reason, TOCSIN_WHY_UNSUPPORTED);
	}
	/* more available than there is: told, but no share made of it */
	rig_file(r, "proc/meminfo", "MemTotal: 5 kB\nMemAvailable: 9 kB\n");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_assert(!rig_has(r, "memory_used_ratio", ""));
	ck_assert_uint_eq(r->n, 2);
	rig_free(r);
}
END_TEST

int
main(void)
{
	return STORIES("probe memory", a_machine_tells_its_memory,
		errors_are_told_by_dimm_and_add_up, hostile_text_is_survived);
}
