/*
 * smart: raw pages, smartctl's JSON, packings, metrics.  All drives here are
 * made up.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "smart/encoding.h"
#include "smart/json.h"
#include "smart/metrics.h"
#include "smart/pages.h"
#include "smart/print.h"
#include "smart/smartctl.h"
#include "t/lib/smart_pages.h"
#include "t/lib/story.h"

static struct smart_report
decoded(const char *json)
{
	struct smart_report r;
	struct tc_err e = { 0 };

	ck_assert_msg(smart_dump_decode(json, strlen(json), &r, &e) == 0,
		"%s", e.text);
	return r;
}

static struct smart_report
decoded_blob(const struct fake_drive *d)
{
	uint8_t blob[FAKE_BLOB_BYTES];
	struct smart_report r;
	struct tc_err e = { 0 };

	fake_blob(d, blob);
	ck_assert_msg(smart_dump_decode(blob, sizeof(blob), &r, &e) == 0,
		"%s", e.text);
	return r;
}

static const struct fake_drive good_drive = {
	.model = "EXAMPLE HDD 500", .serial = "EX-0001", .firmware = "1.00",
	.sectors = 976773168, .wwn = 0x5000c500a1b2c3d4, .passed = true,
	.n = 6, .attributes = {
		{ 5, 100, 100, 36, 3 }, { 9, 97, 97, 0, 0x97ea00000aa5 },
		{ 194, 29, 49, 0, 0x00120000001d }, { 197, 100, 100, 0, 16 },
		{ 199, 200, 200, 0, 2 }, { 188, 100, 99, 0, 4295032841 },
	},
};

START_TEST(a_blob_tells_name_size_and_counts)
{
	struct smart_report r = decoded_blob(&good_drive);

	ck_assert_int_eq(r.protocol, SMART_PROTOCOL_ATA);
	ck_assert_str_eq(r.model, "EXAMPLE HDD 500");
	ck_assert_str_eq(r.serial, "EX-0001");
	ck_assert_str_eq(r.firmware, "1.00");
	ck_assert_str_eq(r.wwn, "5000c500a1b2c3d4");
	ck_assert_uint_eq(r.capacity_bytes.v, 976773168ULL * 512);
	ck_assert(r.smart_passed.has && r.smart_passed.v);
	ck_assert(r.available.has && r.available.v);
	ck_assert_uint_eq(r.reallocated_sectors.v, 3);
	ck_assert_uint_eq(r.pending_sectors.v, 16);
	ck_assert_uint_eq(r.crc_errors.v, 2);
	ck_assert_uint_eq(r.power_on_hours.v, 2725);
	ck_assert_double_eq(r.temperature_celsius.v, 29);
	ck_assert(!r.reported_uncorrectable.has && !r.wear_ratio.has);
	ck_assert(!r.suspect && r.has_data);
	ck_assert_uint_eq(r.n_attributes, 6);
	ck_assert_uint_eq(r.n_undecoded, 0);
}
END_TEST

START_TEST(a_threshold_reached_is_failing_now_or_was)
{
	struct fake_drive d = good_drive;
	struct smart_report r;

	d.attributes[0] = (struct fake_attribute){ 5, 30, 30, 36, 4000 };
	d.attributes[3] = (struct fake_attribute){ 197, 90, 20, 21, 0 };
	r = decoded_blob(&d);
	ck_assert_int_eq(r.attributes[0].failed, SMART_FAILED_NOW);
	ck_assert_int_eq(r.attributes[3].failed, SMART_FAILED_PAST);
	ck_assert_int_eq(r.attributes[1].failed, SMART_FAILED_NEVER);
}
END_TEST

START_TEST(a_wrong_checksum_is_said_and_judges_nobody)
{
	static const size_t at[] = { 8 + 300, 8 + 512 + 12 + 8 + 20,
		8 + 512 + 12 + 8 + 512 + 8 + 20 };
	static const char *const page[] = { "identify page", "data page",
		"thresholds page" };
	uint8_t blob[FAKE_BLOB_BYTES];
	struct smart_report r;

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		fake_blob(&good_drive, blob);
		blob[at[i]] ^= 0x10;
		ck_assert_int_eq(smart_blob_decode(blob, sizeof(blob), &r, NULL),
			0);
		ck_assert(r.suspect);
		ck_assert_uint_eq(r.n_undecoded, 1);
		ck_assert_str_eq(r.undecoded[0].what, page[i]);
		ck_assert_int_eq(r.undecoded[0].why, SMART_WHY_CHECKSUM);
	}
}
END_TEST

START_TEST(a_blob_cut_anywhere_is_refused_with_its_place)
{
	uint8_t blob[FAKE_BLOB_BYTES];
	struct smart_pages pages;
	struct tc_err e;

	fake_blob(&good_drive, blob);
	for (size_t n = 0; n < sizeof(blob); n++) {
		/* the pieces behind the first are optional */
		bool whole = n == 520 || n == 532 || n == 1052;

		ck_assert_int_eq(smart_blob_split(blob, n, &pages, &e) == 0,
			whole);
		ck_assert(whole || strncmp(e.text, "byte ", 5) == 0);
	}
}
END_TEST

START_TEST(a_blob_with_foreign_pieces_is_refused)
{
	static const struct { size_t at; const char *bytes; } bad[] = {
		{ 0, "SMXX" }, { 520, "IDFY" }, { 520, "abcd" }, { 532, "SMST" },
		{ 4, "\0\0\1\377" }, { 524, "\0\0\0\5" }, { 4, "\377\377\377\377" },
		{ 1052, "SMDT" },
	};
	uint8_t blob[FAKE_BLOB_BYTES];
	struct smart_pages pages;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fake_blob(&good_drive, blob);
		memcpy(blob + bad[i].at, bad[i].bytes, 4);
		ck_assert_int_eq(smart_blob_split(blob, sizeof(blob), &pages,
			NULL), TC_EINVAL);
	}
}
END_TEST

START_TEST(all_ones_is_no_count_and_not_zero)
{
	struct fake_drive d = good_drive;
	struct smart_report r;

	d.attributes[0].raw = 0xffffffffffff;
	r = decoded_blob(&d);
	ck_assert(!r.reallocated_sectors.has);
	ck_assert_uint_eq(r.pending_sectors.v, 16);
	ck_assert_uint_eq(r.n_undecoded, 1);
	ck_assert_uint_eq(r.undecoded[0].id, 5);
	ck_assert_int_eq(r.undecoded[0].why, SMART_WHY_ALL_ONES);
	ck_assert_uint_eq(r.attributes[0].raw.v, 0xffffffffffff);
}
END_TEST

START_TEST(more_bad_sectors_than_sectors_cannot_be)
{
	struct fake_drive d = good_drive;
	struct smart_report r;

	d.attributes[3].raw = 976773168;
	r = decoded_blob(&d);
	ck_assert(!r.pending_sectors.has);
	ck_assert_int_eq(r.undecoded[0].why, SMART_WHY_IMPLAUSIBLE);
	d.attributes[3].raw = 976773167;
	ck_assert_uint_eq(decoded_blob(&d).pending_sectors.v, 976773167);
}
END_TEST

START_TEST(an_id_that_comes_twice_counts_once)
{
	struct fake_drive d = good_drive;
	struct smart_report r;

	d.attributes[4] = (struct fake_attribute){ 5, 1, 1, 0, 9999 };
	r = decoded_blob(&d);
	ck_assert_uint_eq(r.reallocated_sectors.v, 3);
	ck_assert_int_eq(r.undecoded[0].why, SMART_WHY_DUPLICATE);
}
END_TEST

/* What becomes of one attribute of a drive of that model; NaN-less "none". */
static struct smart_f64
one(const char *model, uint8_t id, uint64_t raw, uint8_t value)
{
	struct smart_report r = { .protocol = SMART_PROTOCOL_ATA };
	struct smart_attribute *a = smart_attribute_add(&r);

	(void)snprintf(r.model, sizeof(r.model), "%s", model);
	a->id = id;
	a->raw = smart_u64(raw);
	a->value = smart_u64(value);
	smart_decode(&r);
	ck_assert_uint_eq(r.n_undecoded, a->decoded.has ? 0 : 1);
	return a->decoded;
}

START_TEST(p1_packed_raw_values_are_small_numbers)
{
	static const struct { const char *model; uint8_t id; uint64_t raw;
		double is; } known[] = {
		{ "ST4000DM000-1F2168", 188, 4295032833, 1 },
		{ "ST4000DM000-1F2168", 188, 4295032841, 9 },
		{ "ST8000VN004-3CP101", 188, 94490722326, 22 },
		{ "ST4000DM000-1F2168", 188, 65537, 1 },
		{ "SEAGATE ST4000NM0023", 188, 4295032833, 1 },
		{ "", 188, 4295032841, 9 },	/* counts that fall are counts */
		{ "", 188, 7, 7 },
		{ "ST4000DM000-1F2168", 1, 167226072, 0 },
		{ "ST4000DM000-1F2168", 7, 0x0003deadbeef, 3 },
		{ "ST4000DM000-1F2168", 240, 0x20cab60000c487, 50311 },
		{ "EXAMPLE", 5, 70000, 70000 },
		{ "EXAMPLE", 5, 0x000700000005, 5 },
		{ "FUJITSU MHZ2160BH", 5, 0x07d000000002, 2 },
		{ "EXAMPLE", 196, 0x30950000083f, 2111 },
		{ "EXAMPLE", 3, 0x0006015d0139, 313 },
		{ "EXAMPLE", 9, 0xd6960000022c, 556 },
		{ "Maxtor 6Y080L0", 9, 598640, 9977 },
		{ "FUJITSU MHV2080BH", 9, 7200, 2 },
		{ "SAMSUNG SP1604N", 9, 1201, 10 },
		{ "SAMSUNG MP0402H", 9, 1201, 10 },
		{ "SAMSUNG HM160JI", 9, 1201, 10 },
		{ "SAMSUNG HM160HI", 9, 1201, 1201 },
		{ "TOSHIBA MK5061GSYN", 9, 601, 10 },
		{ "TOSHIBA MK5061GSYB", 9, 601, 601 },
		{ "SMART A25FBSC200GI01N", 9, 36000, 10 },
		{ "INTEL SSDSC2KB240G8", 175, 3118146194033, 2673 },
		{ "KINGSTON SKC400S37128G", 173, 52953976, 888 },
		{ "EXAMPLE", 194, 0x00240012001c, 28 },
		{ "EXAMPLE", 194, 0xfffb, -5 },
		{ "SAMSUNG SV1204H", 194, 351, 35.1 },
		{ "EXAMPLE", 241, 0x006e6f5e3e70, 474314849904.0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct smart_f64 got = one(known[i].model, known[i].id,
			known[i].raw, 100);

		ck_assert_msg(got.has && got.v == known[i].is,
			"%s %u %llu: %g", known[i].model, known[i].id,
			(unsigned long long)known[i].raw, got.v);
	}
}
END_TEST

START_TEST(a_lone_raw_value_is_decoded_too)
{
	ck_assert_double_eq(smart_raw_decode("ST4000DM000", "", 188,
		4295032841).v, 9);
	ck_assert(!smart_raw_decode("EXAMPLE", "", 197, 0xffffffffffff).has);
	ck_assert(!smart_raw_decode("EXAMPLE", "", 197, 1ULL << 33).has);
	ck_assert(!smart_raw_decode("EXAMPLE", "", 5, 0xffffffff).has);
	ck_assert_double_eq(smart_raw_decode("EXAMPLE", "", 197, 16).v, 16);
}
END_TEST

START_TEST(p1_an_unknown_packing_is_listed_and_not_guessed)
{
	static const struct { uint8_t id; uint64_t raw; } odd[] = {
		{ 197, 0x27c51e8f0003 }, { 198, 0x100000000 }, { 187, 1ULL << 40 },
		{ 199, 0x000100010001 }, { 188, 0x000200010001 },
		{ 165, 0x00780dc90bee }, { 9, 0x0000ffffff }, { 194, 0x00c8 },
	};
	static const struct { const char *model; uint8_t id; } hidden[] = {
		{ "Maxtor 2B020H1", 194 }, { "SMART A25FBX400GB", 9 },
	};

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		ck_assert_msg(!one("EXAMPLE", odd[i].id, odd[i].raw, 100).has,
			"%u", odd[i].id);
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		ck_assert_msg(!one(hidden[i].model, hidden[i].id, 7, 100).has,
			"%s", hidden[i].model);
}
END_TEST

START_TEST(wear_is_read_where_the_maker_keeps_it)
{
	ck_assert_double_eq_tol(one("INTEL SSDSC2KB240G7", 233, 0, 55).v, 0.45,
		1e-9);
	ck_assert_double_eq_tol(one("INTEL SSDSC2KB240G7", 232, 0, 99).v, 0.99,
		1e-9);
	ck_assert_double_eq_tol(one("Samsung SSD 860 EVO 1TB", 177, 278, 81).v,
		0.19, 1e-9);
	ck_assert_double_eq_tol(one("Micron_5300_MTFDDAK1T9TDS", 202, 7, 93).v,
		0.07, 1e-9);
}
END_TEST

#define ATA(attribute) \
	"{\"smartctl\":{\"exit_status\":0},\"device\":{\"protocol\":\"ATA\"}," \
	"\"model_name\":\"EXAMPLE\",\"ata_smart_attributes\":{\"table\":[" \
	attribute "]}}"
#define ATTR(id, name, raw, text) \
	"{\"id\":" #id ",\"name\":\"" name "\",\"value\":100,\"worst\":99," \
	"\"thresh\":10,\"when_failed\":\"\",\"raw\":{\"value\":" #raw \
	",\"string\":\"" text "\"}}"

START_TEST(smartctls_own_reading_wins_where_it_says_more)
{
	static const struct { const char *json; double is; } rows[] = {
		{ ATA(ATTR(9, "Power_On_Hours", 115594749838557,
			"34013 (105 34 0)")), 34013 },
		{ ATA(ATTR(9, "Power_On_Hours", 104521, "1742h+01m")), 1742 },
		{ ATA(ATTR(188, "Command_Timeout", 8590065673, "2 1 9")), 9 },
		{ ATA(ATTR(194, "Temperature_Celsius", 351, "35.1")), 35.1 },
		{ ATA(ATTR(194, "Temperature_Celsius", 65531, "-5 (Min/Max -9/40)")),
			-5 },
		{ ATA(ATTR(3, "Spin_Up_Time", 30064771072, "0")), 0 },
		{ ATA(ATTR(198, "Uncorrectable_Sector_Ct", 4294967308, "12/1")), 12 },
		/* a small plain number cannot be packed: the raw one stands */
		{ ATA(ATTR(5, "Reallocated_Sector_Ct", 10, "0")), 10 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct smart_report r = decoded(rows[i].json);

		ck_assert_uint_eq(r.n_attributes, 1);
		ck_assert_msg(r.attributes[0].decoded.has, "row %zu", i);
		ck_assert_double_eq(r.attributes[0].decoded.v, rows[i].is);
	}
}
END_TEST

START_TEST(a_reused_id_does_not_feed_the_count_it_looks_like)
{
	struct smart_report r = decoded(ATA(
		ATTR(199, "Host_Writes_GiB", 5000, "5000") ","
		ATTR(197, "Total_Unc_Read_Failures", 7, "7") ","
		ATTR(231, "SSD_Life_Left", 74, "74") ","
		ATTR(5, "Retired_Block_Count", 2, "2")));

	ck_assert(!r.crc_errors.has && !r.pending_sectors.has);
	ck_assert_double_eq_tol(r.wear_ratio.v, 0.26, 1e-9);
	ck_assert_uint_eq(r.reallocated_sectors.v, 2);
	ck_assert_uint_eq(r.n_undecoded, 0);
}
END_TEST

START_TEST(raw_values_of_64_bits_stay_exact)
{
	struct smart_report r = decoded(ATA(
		ATTR(241, "Total_LBAs_Written", 18446744073709551614, "x") ","
		ATTR(242, "Total_LBAs_Read", 9007199254740993, "x")));

	ck_assert_uint_eq(r.attributes[0].raw.v, 18446744073709551614ULL);
	ck_assert_uint_eq(r.attributes[1].raw.v, 9007199254740993ULL);
}
END_TEST

#define NVME(log) \
	"{\"smartctl\":{\"exit_status\":0},\"device\":{\"protocol\":\"NVMe\"}," \
	"\"model_name\":\"EXAMPLE NVME\",\"serial_number\":\"N1\"," \
	"\"smart_status\":{\"passed\":true,\"nvme\":{\"value\":0}}," \
	"\"nvme_smart_health_information_log\":{" log "}}"

START_TEST(p1_nvme_spare_is_not_wear)
{
	struct smart_report r = decoded(NVME(
		"\"critical_warning\":4,\"temperature\":36,\"available_spare\":100,"
		"\"available_spare_threshold\":10,\"percentage_used\":104,"
		"\"media_errors\":0,\"power_on_hours\":12798,"
		"\"num_err_log_entries\":212,\"temperature_sensors\":[40,41]"));

	ck_assert_int_eq(r.protocol, SMART_PROTOCOL_NVME);
	ck_assert_double_eq_tol(r.wear_ratio.v, 1.04, 1e-9);
	ck_assert_double_eq(r.spare_ratio.v, 1.0);
	ck_assert_uint_eq(r.critical_warning.v, 4);
	ck_assert(r.media_errors.has && r.media_errors.v == 0);
	ck_assert_double_eq(r.temperature_celsius.v, 36);
	ck_assert_uint_eq(r.power_on_hours.v, 12798);
	ck_assert_uint_eq(r.n_attributes, 8);
	ck_assert(!r.reallocated_sectors.has);
}
END_TEST

START_TEST(nvme_cli_speaks_numbers_strings_and_objects)
{
	static const char *const forms[] = {
		"{\"critical_warning\":0,\"temperature\":324,\"avail_spare\":100,"
		"\"percent_used\":30,\"media_errors\":2,\"power_on_hours\":24424}",
		"{\"critical_warning\":\"0\",\"temperature\":\"324\","
		"\"avail_spare\":\"100\",\"percent_used\":\"30\","
		"\"media_errors\":\"2\",\"power_on_hours\":\"24424\"}",
		"{\"critical_warning\":{\"value\":0,\"ro\":0},\"temperature\":324,"
		"\"avail_spare\":100,\"percent_used\":30,\"media_errors\":2,"
		"\"power_on_hours\":24424}",
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct smart_report r = decoded(forms[i]);

		ck_assert_int_eq(r.protocol, SMART_PROTOCOL_NVME);
		ck_assert_double_eq(r.temperature_celsius.v, 51);
		/* and so says its row, which is in kelvins as it comes */
		ck_assert_str_eq(r.attributes[1].name, "temperature");
		ck_assert_uint_eq(r.attributes[1].raw.v, 324);
		ck_assert_double_eq(r.attributes[1].decoded.v, 51);
		ck_assert_double_eq_tol(r.wear_ratio.v, 0.3, 1e-9);
		ck_assert_double_eq(r.spare_ratio.v, 1);
		ck_assert_uint_eq(r.media_errors.v, 2);
		ck_assert(r.critical_warning.has && r.critical_warning.v == 0);
		ck_assert_uint_eq(r.power_on_hours.v, 24424);
		ck_assert(!r.smart_passed.has);
	}
}
END_TEST

START_TEST(sas_drives_sum_what_was_not_corrected)
{
	struct smart_report r = decoded("{\"smartctl\":{\"exit_status\":4},"
		"\"device\":{\"protocol\":\"SCSI\",\"type\":\"scsi\"},"
		"\"scsi_model_name\":\"EXAMPLE SAS\",\"scsi_revision\":\"A1\","
		"\"logical_unit_id\":\"0x5000cca01234abcd\","
		"\"smart_status\":{\"passed\":true},\"scsi_grown_defect_list\":260,"
		"\"power_on_time\":{\"hours\":5675,\"minutes\":39},"
		"\"scsi_error_counter_log\":{\"read\":"
		"{\"total_errors_corrected\":9,\"gigabytes_processed\":\"1.5\","
		"\"total_uncorrected_errors\":1},\"write\":"
		"{\"total_uncorrected_errors\":535}}}");

	ck_assert_int_eq(r.protocol, SMART_PROTOCOL_SCSI);
	ck_assert_str_eq(r.model, "EXAMPLE SAS");
	ck_assert_str_eq(r.firmware, "A1");
	ck_assert_str_eq(r.wwn, "5000cca01234abcd");
	ck_assert_uint_eq(r.grown_defects.v, 260);
	ck_assert_uint_eq(r.uncorrected_errors.v, 536);
	ck_assert_uint_eq(r.power_on_hours.v, 5675);
	ck_assert_int_eq(smart_reading_judge(&r, 4), SMART_READING_DATA);
}
END_TEST

START_TEST(a_wwn_of_zeros_names_nobody)
{
	struct smart_report r = decoded("{\"smartctl\":{\"exit_status\":0},"
		"\"wwn\":{\"naa\":0,\"oui\":0,\"id\":0},\"model_name\":\"USB\"}");

	ck_assert_str_eq(r.wwn, "");
	r = decoded("{\"smartctl\":{\"exit_status\":0},"
		"\"wwn\":{\"naa\":5,\"oui\":3152,\"id\":2761332797}}");
	ck_assert_str_eq(r.wwn, "5000c500a496983d");
}
END_TEST

START_TEST(p6_a_sleeping_drive_is_asleep_not_failed)
{
	static const char *const forms[] = {
		"{\"smartctl\":{\"messages\":[{\"string\":"
		"\"Device is in STANDBY mode, exit(2)\","
		"\"severity\":\"information\"}],\"exit_status\":2},"
		"\"device\":{\"protocol\":\"ATA\"}}",
		"{\"smartctl\":{\"messages\":[{\"severity\":\"information\","
		"\"string\":\"Device is in SLEEP mode, exit(3)\"}],"
		"\"exit_status\":3}}",
		"{\"smartctl\":{\"exit_status\":2},"
		"\"power_mode\":{\"ata_value\":0,\"string\":\"STANDBY\"}}",
		"{\"smartctl\":{\"argv\":[\"smartctl\",\"-n\",\"standby,3\"],"
		"\"exit_status\":3}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct smart_report r = decoded(forms[i]);

		ck_assert_msg(r.asleep.has && r.asleep.v, "form %zu", i);
		ck_assert_int_eq(smart_reading_judge(&r,
			(unsigned)r.exit_status.v), SMART_READING_ASLEEP);
	}
}
END_TEST

START_TEST(p5_each_of_the_256_exit_statuses_is_a_mask_not_a_verdict)
{
	struct smart_report with = decoded(ATA(
		ATTR(5, "Reallocated_Sector_Ct", 1, "1")));
	struct smart_report without = decoded(
		"{\"smartctl\":{\"exit_status\":2,\"messages\":[{\"string\":"
		"\"open failed\",\"severity\":\"error\"}]}}");
	struct smart_report none = without;

	none.available = smart_bool(false);
	for (unsigned status = 0; status < 256; status++) {
		bool collector = (status & 3) != 0;

		ck_assert_int_eq(smart_reading_judge(&with, status),
			SMART_READING_DATA);
		ck_assert_int_eq(smart_reading_judge(&without, status),
			SMART_READING_FAILED);
		ck_assert_int_eq(smart_reading_judge(NULL, status),
			SMART_READING_FAILED);
		ck_assert_int_eq(smart_reading_judge(&none, status),
			collector ? SMART_READING_FAILED : SMART_READING_NO_SMART);
	}
	ck_assert_str_eq(without.message, "open failed");
	ck_assert(!without.asleep.has && !without.has_data);
	ck_assert_str_eq(smart_reading_name(SMART_READING_FAILED),
		"collection_error");
}
END_TEST

START_TEST(json_that_is_no_report_is_told_apart)
{
	static const char *const others[] = {
		"{\"smartctl\":{},\"devices\":[{\"name\":\"/dev/sda\"}]}",
		"{\"Devices\":[]}", "{}", "{\"a\":{\"b\":[1,2]}}", "[]", "x", "",
		"  ",
	};
	struct smart_report r;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_int_eq(smart_dump_decode(others[i], strlen(others[i]),
			&r, NULL), TC_EUNSUP);
}
END_TEST

static int
count_leaves(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	(void)e;
	if (ev->kind >= SMART_JSON_STRING)
		++*(int *)arg;
	return 0;
}

static int
walked(const char *json, size_t n, struct tc_err *e)
{
	int leaves = 0;
	int rc = smart_json_walk(json, n, count_leaves, &leaves, e);

	return rc < 0 ? rc : leaves;
}

START_TEST(malformed_json_is_refused_with_its_place)
{
	static const struct { const char *json, *says; } bad[] = {
		{ "", "line 1 column 1: the text ends too early" },
		{ "{", "line 1 column 2: a key is missing" },
		{ "{\"a\":1,}", "line 1 column 8: ',' before '}'" },
		{ "[1,]", "line 1 column 4: ',' before ']'" },
		{ "[1 2]", "line 1 column 4: ',' or ']' is missing" },
		{ "{\"a\" 1}", "line 1 column 6: ':' is missing" },
		{ "{\"a\":1\n\"b\":2}", "line 2 column 1: ',' or '}' is missing" },
		{ "{\"a\":1,\n \"a\":2}", "line 2 column 5: \"a\" comes twice" },
		{ "{\"a\":{\"b\":1,\"b\":1}}", "line 1 column 16: \"b\" comes twice" },
		{ "{} {}", "line 1 column 4: something follows the value" },
		{ "[01]", "line 1 column 3: ',' or ']' is missing" },
		{ "[-]", "line 1 column 3: not a value" },
		{ "[1.]", "line 1 column 4: no digit after the point" },
		{ "[1e]", "line 1 column 4: no digit in the exponent" },
		{ "[nul]", "line 1 column 2: not a value" },
		{ "[\"a", "line 1 column 4: the text ends inside a string" },
		{ "[\"\\", "line 1 column 4: the text ends inside a string" },
		{ "[\"\\x\"]", "line 1 column 4: unknown escape" },
		{ "[\"\\u12g4\"]", "line 1 column 7: \\u needs four hex digits" },
		{ "[\"\\ud800\\u0041\"]", "line 1 column 15: half a surrogate pair" },
		{ "[\"\x01\"]", "line 1 column 3: control character in a string" },
	};
	struct tc_err e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_int_eq(walked(bad[i].json, strlen(bad[i].json), &e),
			TC_EINVAL);
		ck_assert_str_eq(e.text, bad[i].says);
	}
	ck_assert_int_eq(walked("[\"\\", 3, &e), TC_EINVAL);
}
END_TEST

START_TEST(json_beyond_a_limit_is_refused)
{
	char text[20000];
	size_t n = 0;

	memset(text, '[', 64);
	ck_assert_int_eq(walked(text, 64, NULL), TC_ERANGE);
	memset(text, '9', 64);
	ck_assert_int_eq(walked(text, 64, NULL), TC_ERANGE);
	text[0] = '{';
	text[1] = '"';
	memset(text + 2, 'k', 2000);
	memcpy(text + 2002, "\":1}", 4);
	ck_assert_int_eq(walked(text, 2006, NULL), TC_ERANGE);
	ck_assert_int_eq(smart_json_walk(text, SMART_JSON_MAX_BYTES + 1,
		count_leaves, NULL, NULL), TC_ERANGE);
	/* 31 levels of 4-byte keys are fine, and a value of 10,000 bytes is cut */
	text[n++] = '[';
	text[n++] = '"';
	memset(text + n, 'v', 10000);
	n += 10000;
	memcpy(text + n, "\"]", 2);
	ck_assert_int_eq(walked(text, n + 2, NULL), 1);
}
END_TEST

static int
keep_text(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	(void)e;
	if (ev->kind == SMART_JSON_STRING)
		(void)snprintf(arg, 64, "%s", ev->text);
	return 0;
}

START_TEST(strange_characters_become_question_marks)
{
	static const struct { const char *json, *text; } rows[] = {
		{ "\"a\\u0007b\\tc\"", "a?b?c" },
		{ "\"\\u00e9\\ud83d\\ude00\"", "\xc3\xa9\xf0\x9f\x98\x80" },
		{ "\"\xc3\xa9\"", "\xc3\xa9" },
		{ "\"\xff\xc0\xaf z\"", "?? z" },
		{ "\"\xe2\x82\"", "??" },
		{ "\"\\ud800x\"", "?x" },
		{ "\"\\\"\\\\\\/\"", "\"\\/" },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(smart_json_walk(rows[i].json,
			strlen(rows[i].json), keep_text, text, NULL), 0);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(a_dotted_key_is_not_a_path)
{
	struct smart_report r = decoded(
		"{\"smartctl\":{},\"smart_status.passed\":false,"
		"\"smart_status\":{\"passed\":true}}");

	ck_assert(r.smart_passed.v);
}
END_TEST

START_TEST(a_name_too_long_is_refused_not_cut)
{
	char json[300];
	struct smart_report r;

	(void)snprintf(json, sizeof(json),
		"{\"smartctl\":{},\"serial_number\":\"%0100d\"}", 7);
	ck_assert_int_eq(smart_dump_decode(json, strlen(json), &r, NULL),
		TC_ERANGE);
}
END_TEST

struct seen { int n; char names[4096]; double pending; bool unit_missing; };

static int
see(void *arg, const struct smart_metric *m)
{
	struct seen *s = arg;
	size_t n = strlen(s->names);

	(void)snprintf(s->names + n, sizeof(s->names) - n, "%s ", m->name);
	if (strcmp(m->name, "pending_sectors") == 0)
		s->pending = m->f64;
	if (m->unit == NULL && strncmp(m->name, "smart_", 6) != 0)
		s->unit_missing = true;
	return s->n > 0 && --s->n == 0 ? -1 : 0;
}

START_TEST(metrics_carry_raw_and_decoded_values)
{
	struct smart_report r = decoded_blob(&good_drive);
	struct seen s = { 0 };

	ck_assert_int_eq(smart_metrics_each(&r, see, &s), 0);
	ck_assert_str_eq(s.names, "smart_5_raw smart_9_raw smart_194_raw "
		"smart_197_raw smart_199_raw smart_188_raw reallocated_sectors "
		"pending_sectors crc_errors power_on_hours "
		"temperature_celsius capacity_bytes command_timeouts "
		"smart_passed "
		"smart_undecoded_count ");
	ck_assert_double_eq(s.pending, 16);
	ck_assert(!s.unit_missing);
	r.suspect = true;
	s = (struct seen){ 0 };
	ck_assert_int_eq(smart_metrics_each(&r, see, &s), 0);
	ck_assert_str_eq(s.names, "smart_passed smart_undecoded_count ");
	for (int stop = 1; stop <= 2; stop++) {
		s = (struct seen){ .n = stop };
		ck_assert_int_eq(smart_metrics_each(&r, see, &s), -1);
	}
}
END_TEST

START_TEST(the_printed_object_is_json_with_all_keys)
{
	static const char *const keys[] = { "protocol", "model", "serial",
		"firmware", "capacity_bytes", "smart_passed", "power_on_hours",
		"temperature_celsius", "reallocated_sectors", "pending_sectors",
		"offline_uncorrectable", "reported_uncorrectable", "crc_errors",
		"wear_ratio", "spare_ratio", "media_errors", "critical_warning",
		"grown_defects", "uncorrected_errors", "asleep", "undecoded",
		"attributes" };
	struct smart_report r = decoded_blob(&good_drive);
	struct strbuf out = { 0 };
	char key[64];

	(void)snprintf(r.model, sizeof(r.model), "a \"b\\ c");
	smart_print_json(&r, &out);
	ck_assert_int_gt(walked(out.p, out.n, NULL), 22);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(key, sizeof(key), "\"%s\":", keys[i]);
		ck_assert_ptr_nonnull(strstr(out.p, key));
	}
	ck_assert_ptr_nonnull(strstr(out.p, "\"wear_ratio\":null,"));
	strbuf_free(&out);
}
END_TEST

START_TEST(printing_survives_every_failed_allocation)
{
	struct smart_report r = decoded_blob(&good_drive);
	struct strbuf out = { 0 };
	bool failed = true;

	for (long n = 1; failed; n++) {
		mem_fail_at(n);
		smart_print_json(&r, &out);
		failed = out.failed;
		ck_assert(failed || walked(out.p, out.n, NULL) > 0);
		strbuf_free(&out);
		mem_fail_at(0);
		ck_assert_int_lt(n, 100);
	}
}
END_TEST

int
main(void)
{
	return STORIES("smart", a_blob_tells_name_size_and_counts,
		a_threshold_reached_is_failing_now_or_was,
		a_wrong_checksum_is_said_and_judges_nobody,
		a_blob_cut_anywhere_is_refused_with_its_place,
		a_blob_with_foreign_pieces_is_refused,
		all_ones_is_no_count_and_not_zero,
		more_bad_sectors_than_sectors_cannot_be,
		an_id_that_comes_twice_counts_once,
		p1_packed_raw_values_are_small_numbers,
		a_lone_raw_value_is_decoded_too,
		p1_an_unknown_packing_is_listed_and_not_guessed,
		wear_is_read_where_the_maker_keeps_it,
		smartctls_own_reading_wins_where_it_says_more,
		a_reused_id_does_not_feed_the_count_it_looks_like,
		raw_values_of_64_bits_stay_exact, p1_nvme_spare_is_not_wear,
		nvme_cli_speaks_numbers_strings_and_objects,
		sas_drives_sum_what_was_not_corrected,
		a_wwn_of_zeros_names_nobody,
		p6_a_sleeping_drive_is_asleep_not_failed,
		p5_each_of_the_256_exit_statuses_is_a_mask_not_a_verdict,
		json_that_is_no_report_is_told_apart,
		malformed_json_is_refused_with_its_place,
		json_beyond_a_limit_is_refused,
		strange_characters_become_question_marks,
		a_dotted_key_is_not_a_path, a_name_too_long_is_refused_not_cut,
		metrics_carry_raw_and_decoded_values,
		the_printed_object_is_json_with_all_keys,
		printing_survives_every_failed_allocation);
}
