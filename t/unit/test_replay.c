/*
 * replay: CSV files as they are found in the wild, and damaged ones.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "replay/replay.h"
#include "t/lib/story.h"

#define HEAD "date,serial_number,model,capacity_bytes,failure," \
	"smart_5_raw,smart_197_raw\n"

static struct replay *
open_text(const char *text)
{
	struct replay *r = NULL;
	struct tc_err e = { 0 };

	ck_assert_msg(replay_open_memory("m.csv", text, strlen(text), &r,
		&e) == 0, "%s", e.text);
	return r;
}

static int
next(struct replay *r, struct row *row, struct tc_err *e)
{
	struct row_source *s = replay_source(r);

	return s->next(s, row, e);
}

static void
ck_row(struct replay *r, struct row *row)
{
	struct tc_err e = { 0 };

	ck_assert_msg(next(r, row, &e) == 1, "%s", e.text);
}

#define ck_text(p, n, want)                                     \
	do {                                                    \
		ck_assert_uint_eq(n, strlen(want));             \
		ck_assert_mem_eq(p, want, strlen(want));        \
	} while (0)

/* The text must fail, at the header or in a row, with this message. */
static void
ck_fault(const char *text, size_t n, const char *want)
{
	struct replay *r = NULL;
	struct row row = { 0 };
	struct tc_err e = { 0 };
	int rc = replay_open_memory("m.csv", text, n, &r, &e);

	while (rc >= 0 && (rc = next(r, &row, &e)) > 0)
		;
	ck_assert_msg(rc < 0, "no fault: %s", text);
	ck_assert_msg(strstr(e.text, want), "\"%s\" lacks \"%s\"", e.text,
		want);
	replay_close(r);
}

#define ck_row_fault(row, want) ck_fault(HEAD row, strlen(HEAD row), want)

START_TEST(a_row_is_read_by_the_names_of_its_columns)
{
	struct replay *r = open_text(
		"smart_197_raw,x,failure,model,y,z,serial_number,date\n"
		"16,1,0,ST4000DM000,,,Z1,2015-12-31\n");
	struct row row = { 0 };

	ck_row(r, &row);
	ck_text(row.serial, row.serial_n, "Z1");
	ck_text(row.model, row.model_n, "ST4000DM000");
	ck_assert_int_eq(row.day, date_to_days((struct date){ 2015, 12, 31 }));
	ck_assert(!row.failure);
	ck_assert_uint_eq(row.seen, 1u << COUNTER_PENDING);
	ck_assert_uint_eq(row.raw[COUNTER_PENDING], 16);
	ck_assert_uint_eq(row.line, 2);
	ck_assert_int_eq(next(r, &row, NULL), 0);
	ck_assert_int_eq(next(r, &row, NULL), 0);
	replay_close(r);
}
END_TEST

START_TEST(what_spreadsheets_do_to_files_is_understood)
{
	struct replay *r = open_text("\xef\xbb\xbf"
		"\"date\",\"serial_number\",model,capacity_bytes,failure,"
		"smart_5_raw,smart_197_raw\r\n"
		"\"2015-01-02\",\"Z \"\"1\"\"\",\"A, B\",-1,\"0\",16.0,\r\n"
		"\r\n"
		"2015-01-03T00:00:00,Z2,,4000,1.0,1.6e1,0\r\n"
		"2015-01-04,Z3,M,4000,0,,281474976710655");
	struct row row = { 0 };

	ck_row(r, &row);
	ck_text(row.serial, row.serial_n, "Z \"1\"");
	ck_text(row.model, row.model_n, "A, B");
	ck_assert_uint_eq(row.capacity_bytes, 0);
	ck_assert_uint_eq(row.seen, 1u << COUNTER_REALLOCATED);
	ck_assert_uint_eq(row.raw[COUNTER_REALLOCATED], 16);
	ck_row(r, &row);
	ck_assert(row.failure);
	ck_assert_uint_eq(row.model_n, 0);
	ck_assert_uint_eq(row.raw[COUNTER_REALLOCATED], 16);
	ck_assert_uint_eq(row.line, 4);
	ck_row(r, &row);
	ck_assert_uint_eq(row.seen, 1u << COUNTER_PENDING);
	ck_assert_uint_eq(row.raw[COUNTER_PENDING], 281474976710655);
	ck_assert_int_eq(next(r, &row, NULL), 0);
	replay_close(r);
}
END_TEST

START_TEST(a_bad_row_is_named_by_file_line_and_column)
{
	ck_row_fault("2015-01-01,Z,M,1,0,x,0\n",
		"m.csv:2:20: expected a whole number, or nothing, got \"x\"");
	ck_row_fault("2015-02-29,Z,M,1,0,0,0\n", "m.csv:2:1: expected a date");
	ck_row_fault("\n2015-1-1,Z,M,1,0,0,0\n", "m.csv:3:1: expected a date");
	ck_row_fault("2015-01-01,Z,M,1,2,0,0\n",
		"m.csv:2:18: expected failure to be 0 or 1");
	ck_row_fault("2015-01-01,Z,M,1,,0,0\n", "expected failure");
	ck_row_fault("2015-01-01,,M,1,0,0,0\n", "expected a serial number");
	ck_row_fault("2015-01-01,Z,M,1,0\n", "expected more columns");
	ck_row_fault("2015-01-01,\"Z,M,1,0,0,0\n",
		"m.csv:2:12: expected a closing quote");
	ck_row_fault("2015-01-01,\"Z\"x,M,1,0,0,0\n",
		"m.csv:2:15: expected a comma");
	ck_row_fault("2015-01-01,Z,M,1,0,-4,0\n", "a whole number");
	ck_row_fault("2015-01-01,Z,M,1,0,1.5,0\n", "a whole number");
	ck_row_fault("2015-01-01,Z,M,1,0,nan,0\n", "a whole number");
	ck_row_fault("2015-01-01,Z,M,1,0,99999999999999999999,0\n",
		"a whole number");
}
END_TEST

START_TEST(a_header_says_what_it_lacks)
{
#define ck_head(text, want) ck_fault(text, strlen(text), want)
	ck_head("", "m.csv: is empty");
	ck_head("a,b,c\n", "m.csv:1: the header has no column date");
	ck_head("date,failure,smart_5_raw\n", "no column serial_number");
	ck_head("date,serial_number,failure\n", "none of smart_5_raw");
	ck_head("date,date,serial_number,failure,smart_5_raw\n",
		"column date stands there twice");
}
END_TEST

START_TEST(a_line_without_end_is_refused)
{
	struct strbuf sb = { 0 };

	strbuf_puts(&sb, HEAD "2015-01-01,");
	for (int i = 0; i < 3 * 1024 * 1024; i++)
		strbuf_putc(&sb, 'x');
	ck_fault(sb.p, sb.n, "m.csv:2: the line is longer than");
	strbuf_free(&sb);
}
END_TEST

/* 20,000 rows: several fillings of every buffer. */
static void
many_rows(struct strbuf *sb)
{
	strbuf_puts(sb, HEAD);
	for (int i = 0; i < 20000; i++)
		strbuf_printf(sb, "2015-01-%02d,S%06d,MODEL %d,%d,0,%d,%d\n",
			1 + i % 28, i, i % 7, i, i % 100, i % 13);
}

static void
ck_many_rows(struct replay *r)
{
	struct tc_err e = { 0 };
	struct row row = { 0 };
	char want[16];
	int i = 0, rc;

	for (; (rc = next(r, &row, &e)) > 0; i++) {
		(void)snprintf(want, sizeof(want), "S%06d", i);
		ck_text(row.serial, row.serial_n, want);
		ck_assert_uint_eq(row.raw[COUNTER_PENDING],
			(uint64_t)(i % 13));
		ck_assert_uint_eq(row.line, (uint64_t)i + 2);
		ck_assert_double_le(replay_progress(r), 1.0);
	}
	ck_assert_msg(rc == 0, "%s", e.text);
	ck_assert_int_eq(i, 20000);
	ck_assert_double_eq(replay_progress(r), 1.0);
	replay_close(r);
}

static size_t
gzip(const struct strbuf *plain, unsigned char *out, size_t cap)
{
	z_stream z = { 0 };
	size_t n;

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8,
		Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)plain->p;
	z.avail_in = (uInt)plain->n;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = cap - z.avail_out;
	ck_assert_int_eq(deflateEnd(&z), Z_OK);
	return n;
}

START_TEST(plain_gzip_and_zstd_hold_the_same_rows)
{
	struct strbuf plain = { 0 };
	unsigned char *packed = mem_alloc(2000000);
	struct replay *r = NULL;
	size_t n;

	many_rows(&plain);
	ck_assert_int_eq(replay_open_memory("p", plain.p, plain.n, &r, NULL), 0);
	ck_many_rows(r);
	n = gzip(&plain, packed, 2000000);
	ck_assert_int_eq(replay_open_memory("g", packed, n, &r, NULL), 0);
	ck_many_rows(r);
	n = ZSTD_compress(packed, 2000000, plain.p, plain.n, 3);
	ck_assert(!ZSTD_isError(n));
	ck_assert_int_eq(replay_open_memory("z", packed, n, &r, NULL), 0);
	ck_many_rows(r);
	mem_free(packed);
	strbuf_free(&plain);
}
END_TEST

/* Whatever is cut or flipped: an error or fewer rows, never more. */
START_TEST(damaged_archives_end_with_an_error)
{
	struct strbuf plain = { 0 };
	unsigned char *packed = mem_alloc(2000000);
	struct row row = { 0 };
	size_t n;

	many_rows(&plain);
	for (int zstd = 0; zstd < 2; zstd++) {
		n = zstd ? ZSTD_compress(packed, 2000000, plain.p, plain.n, 3) :
			gzip(&plain, packed, 2000000);
		ck_fault((char *)packed, n / 2, "archive is cut");
		ck_fault((char *)packed, n - 1, "archive is cut");
		for (size_t at = 10; at < n; at += n / 20) {
			struct replay *r = NULL;
			int rows = 0;

			packed[at] ^= 0x10;
			if (replay_open_memory("d", packed, n, &r, NULL) == 0) {
				while (next(r, &row, NULL) > 0)
					rows++;
			}
			ck_assert_int_le(rows, 20001);
			replay_close(r);
			packed[at] ^= 0x10;
		}
	}
	mem_free(packed);
	strbuf_free(&plain);
}
END_TEST

START_TEST(files_are_read_one_after_the_other)
{
	char a[] = "/tmp/tocsin-replay-XXXXXX", b[] = "/tmp/tocsin-replay-XXXXXX";
	const char *const paths[] = { a, b, "/nonexistent/x.csv" };
	struct replay *r = NULL;
	struct row row = { 0 };
	struct tc_err e = { 0 };
	static const char one[] = HEAD "2015-01-01,A,M,1,0,1,0\n";
	static const char two[] = "serial_number,date,failure,smart_5_raw\n"
		"B,2015-01-02,1,7\n";
	int fd = mkstemp(a), fd2 = mkstemp(b);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(fd2, 0);
	ck_assert_int_eq(write(fd, one, sizeof(one) - 1), sizeof(one) - 1);
	ck_assert_int_eq(write(fd2, two, sizeof(two) - 1), sizeof(two) - 1);
	ck_assert_int_eq(replay_open(paths, 3, &r, &e), 0);
	ck_row(r, &row);
	ck_text(row.serial, row.serial_n, "A");
	ck_row(r, &row);
	ck_text(row.serial, row.serial_n, "B");
	ck_assert(row.failure);
	ck_assert_str_eq(row.file, b);
	ck_assert_int_eq(next(r, &row, &e), TC_ENOENT);
	ck_assert_msg(strstr(e.text, "/nonexistent/x.csv"), "%s", e.text);
	replay_close(r);
	(void)close(fd);
	(void)close(fd2);
	(void)unlink(a);
	(void)unlink(b);
}
END_TEST

/* From the middle, then from the end. */
static void
ck_twice(struct replay *r, int rows)
{
	struct row_source *s = replay_source(r);
	struct row row = { 0 };
	struct tc_err e = { 0 };

	ck_row(r, &row);
	for (int turn = 0; turn < 2; turn++) {
		ck_assert_msg(s->rewind(s, &e) == 0, "%s", e.text);
		for (int i = 0; i < rows; i++) {
			ck_row(r, &row);
			ck_text(row.serial, row.serial_n, i % 2 ? "B" : "A");
		}
		ck_assert_int_eq(next(r, &row, &e), 0);
	}
	replay_close(r);
}

START_TEST(files_and_memory_can_be_read_twice)
{
	char a[] = "/tmp/tocsin-replay-XXXXXX";
	const char *const paths[] = { a, a };
	static const char text[] = HEAD "2015-01-01,A,M,1,0,1,0\n"
		"2015-01-02,B,M,1,0,1,0\n";
	struct replay *r = NULL;
	int fd = mkstemp(a);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	ck_twice(open_text(text), 2);
	ck_assert_int_eq(replay_open(paths, 2, &r, NULL), 0);
	ck_twice(r, 4);
	(void)close(fd);
	(void)unlink(a);
}
END_TEST

int
main(void)
{
	return STORIES("replay",
		files_and_memory_can_be_read_twice,
		a_row_is_read_by_the_names_of_its_columns,
		what_spreadsheets_do_to_files_is_understood,
		a_bad_row_is_named_by_file_line_and_column,
		a_header_says_what_it_lacks,
		a_line_without_end_is_refused,
		plain_gzip_and_zstd_hold_the_same_rows,
		damaged_archives_end_with_an_error,
		files_are_read_one_after_the_other);
}
