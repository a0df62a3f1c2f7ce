/*
 * smart: the recorded dumps of real drives, attribute by attribute: what
 * smartctl printed is what we read, and from the raw numbers alone, without
 * smartctl's words, we read the same or nothing.  Skipped where the recordings
 * are not.
 */
#include <check.h>
#include <ftw.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smart/encoding.h"
#include "smart/smartctl.h"
#include "t/lib/story.h"

static size_t n_dumps, n_attributes, n_compared, n_unread, n_wrong;

/* The number that smartctl's text says; false when it says none. */
static bool
printed(const char *text, double *out)
{
	const char *last = strrchr(text, ' ');
	char *end;

	/* "0 0 3": three words, the lowest last */
	if (last != NULL && strspn(text, "0123456789 ") == strlen(text))
		text = last + 1;
	*out = strtod(text, &end);
	return end != text && strncmp(text, "0x", 2) != 0;
}

/* What is read otherwise than smartctl prints it, and why. */
static bool
is_ours(const struct smart_attribute *a)
{
	/* errors of these, not operations; one word of three */
	if (a->encoding == SMART_ENC_RAW16_OPS32 ||
	    a->encoding == SMART_ENC_RAW16X3)
		return true;
	if (a->unit == SMART_UNIT_RATIO)
		return true;
	/* a dump that somebody edited: the raw number is too small to be
	 * packed, so it stands (smart/encoding.c) */
	return a->raw.v <= 0xffff && a->decoded.v == (double)a->raw.v;
}

static void
wrong(const char *path, const struct smart_attribute *a, const char *what,
	double want)
{
	n_wrong++;
	printf("%s: %u %s, raw %llu \"%s\": %s %.10g, we say %.10g\n", path,
		(unsigned)a->id, a->name, (unsigned long long)a->raw.v,
		a->raw_text, what, want, a->decoded.has ? a->decoded.v : NAN);
}

static void
compare(const char *path, const struct smart_report *r,
	const struct smart_attribute *a)
{
	struct smart_f64 bare = smart_raw_decode(r->model, r->firmware, a->id,
		a->raw.v);
	const struct smart_packing *p = smart_packing_find(r->model,
		r->firmware, a->id, "");
	double want;

	n_attributes++;
	if (!a->decoded.has) {
		n_unread++;
		return;
	}
	if (printed(a->raw_text, &want)) {
		n_compared++;
		if (fabs(a->decoded.v - want) > 0.5 && !is_ours(a))
			wrong(path, a, "smartctl prints", want);
	}
	/* Only what feeds a verdict must not be guessed without the words; in
	 * the last of these somebody edited the numbers, not the words. */
	if (p->role != SMART_ROLE_NONE && p->unit == a->unit && bare.has &&
	    p->encoding != SMART_ENC_LEFT_VALUE &&
	    p->encoding != SMART_ENC_LEFT_RAW &&
	    p->encoding != SMART_ENC_SPARE_VALUE &&
	    fabs(bare.v - a->decoded.v) > 0.5 &&
	    strstr(path, "/smart-ata-date2.json") == NULL)
		wrong(path, a, "from the raw number alone", bare.v);
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	json_t *doc = type == FTW_F ? json_load_file(path, 0, NULL) : NULL;
	static struct smart_report r;
	char *text;

	(void)st;
	(void)at;
	if (json_object_get(json_object_get(doc, "ata_smart_attributes"),
		"table") != NULL) {
		text = json_dumps(doc, 0);
		ck_assert_msg(smart_smartctl_decode(text, strlen(text), &r,
			NULL) == 0, "%s", path);
		free(text);
		n_dumps++;
		for (size_t i = 0; i < r.n_attributes; i++)
			if (r.attributes[i].id != 0)
				compare(path, &r, &r.attributes[i]);
	}
	json_decref(doc);
	return 0;
}

START_TEST(r030_recorded_drives_read_as_smartctl_printed_them)
{
	const char *shared = getenv("TOCSIN_SHARED");
	const char *top = getenv("top_srcdir");
	char path[600];

	snprintf(path, sizeof(path), "%s%s/data/smart", shared != NULL ? shared :
		top != NULL ? top : ".", shared != NULL ? "" : "/../shared");
	if (nftw(path, visit, 16, FTW_PHYS) != 0 || n_dumps == 0) {
		printf("skipped: no recordings in %s\n", path);
		return;
	}
	printf("%zu dumps, %zu attributes: %zu printed numbers compared, %zu "
		"undecoded\n", n_dumps, n_attributes, n_compared, n_unread);
	fflush(stdout);
	ck_assert_uint_eq(n_wrong, 0);
	ck_assert_uint_gt(n_compared, 1000);
	ck_assert_uint_lt(n_unread * 100, n_attributes);
}
END_TEST

int
main(void)
{
	return STORIES("smart_dumps",
		r030_recorded_drives_read_as_smartctl_printed_them);
}
