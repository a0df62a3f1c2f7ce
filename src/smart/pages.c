/*
 * ATA pages.  Word and bit numbers are those of ACS-3 (IDENTIFY DEVICE) and
 * SFF-8035i (SMART DATA, THRESHOLDS).
 */
#include "smart/pages.h"

#include <string.h>

#include "base/macros.h"
#include "smart/encoding.h"

enum {
	TABLE_AT = 2,
	TABLE_ROWS = 30,
	ROW_BYTES = 12,
	/* normalised values outside 1…253 mean nothing (SFF-8035i) */
	VALUE_MIN = 1,
	VALUE_MAX = 253,
	SIGNATURE_AT = 510,
	SIGNATURE = 0xa5,
	SECTOR_BYTES = 512,
};

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

static uint16_t
word(const uint8_t *page, size_t i)
{
	return (uint16_t)(page[2 * i] | page[2 * i + 1] << 8);
}

static uint64_t
words(const uint8_t *page, size_t i, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 16 | word(page, i + n);
	return v;
}

static bool
sum_is_zero(const uint8_t *page)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < SMART_PAGE_BYTES; i++)
		sum = (uint8_t)(sum + page[i]);
	return sum == 0;
}

#define TAG(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

enum tag {
	TAG_IDENTIFY = TAG('I', 'D', 'F', 'Y'),
	TAG_STATUS = TAG('S', 'M', 'S', 'T'),
	TAG_DATA = TAG('S', 'M', 'D', 'T'),
	TAG_THRESHOLDS = TAG('S', 'M', 'T', 'H'),
};

bool
smart_blob_is(const void *p, size_t n)
{
	uint32_t tag = n >= 4 ? be32(p) : 0;

	return tag == TAG_IDENTIFY || tag == TAG_STATUS || tag == TAG_DATA ||
		tag == TAG_THRESHOLDS;
}

static int
take_page(const uint8_t **slot, const uint8_t *p, uint32_t size, size_t at,
	struct tc_err *e)
{
	if (size != SMART_PAGE_BYTES)
		return tc_fail(e, TC_EINVAL, "byte %zu: a page of %u bytes",
			at, (unsigned)size);
	if (*slot != NULL)
		return tc_fail(e, TC_EINVAL, "byte %zu: the page comes twice", at);
	*slot = p;
	return 0;
}

static int
take_status(struct smart_pages *out, const uint8_t *p, uint32_t size, size_t at,
	struct tc_err *e)
{
	if (size != 4)
		return tc_fail(e, TC_EINVAL, "byte %zu: a status of %u bytes",
			at, (unsigned)size);
	if (out->passed.has)
		return tc_fail(e, TC_EINVAL, "byte %zu: the status comes twice",
			at);
	out->passed = smart_bool(be32(p) != 0);
	return 0;
}

static int
take_piece(struct smart_pages *out, const uint8_t *piece, size_t at,
	struct tc_err *e)
{
	uint32_t tag = be32(piece), size = be32(piece + 4);
	const uint8_t *p = piece + 8;

	if (tag == TAG_IDENTIFY)
		return take_page(&out->identify, p, size, at, e);
	if (tag == TAG_DATA)
		return take_page(&out->data, p, size, at, e);
	if (tag == TAG_THRESHOLDS)
		return take_page(&out->thresholds, p, size, at, e);
	if (tag == TAG_STATUS)
		return take_status(out, p, size, at, e);
	return tc_fail(e, TC_EINVAL, "byte %zu: unknown tag 0x%08x", at,
		(unsigned)tag);
}

int
smart_blob_split(const void *p, size_t n, struct smart_pages *out,
	struct tc_err *e)
{
	struct smart_pages got = { 0 };
	const uint8_t *bytes = p;
	size_t at = 0;
	int rc;

	while (at < n) {
		if (n - at < 8 || n - at - 8 < be32(bytes + at + 4))
			return tc_fail(e, TC_EINVAL,
				"byte %zu: the piece goes beyond the end", at);
		if ((rc = take_piece(&got, bytes + at, at, e)) < 0)
			return rc;
		at += 8 + be32(bytes + at + 4);
	}
	if (got.identify == NULL)
		return tc_fail(e, TC_EINVAL, "byte %zu: no IDENTIFY page", n);
	*out = got;
	return 0;
}

/* Words hold two characters each, the first in the high byte. */
static void
take_text(char *out, const uint8_t *page, size_t first, size_t n_words)
{
	size_t n = 0;

	for (size_t i = first; i < first + n_words; i++) {
		out[n++] = (char)page[2 * i + 1];
		out[n++] = (char)page[2 * i];
	}
	out[n] = '\0';
	smart_text_clean(out);
}

/* Bits 15:14 of some words say whether the rest of the word means anything. */
static bool
is_valid(uint16_t w)
{
	return (w & 0xc000) == 0x4000;
}

static void
take_capacity(const uint8_t *page, struct smart_report *r)
{
	uint64_t sectors = words(page, 60, 2), bytes = SECTOR_BYTES;

	if (is_valid(word(page, 83)) && (word(page, 83) & 0x0400) &&
		words(page, 100, 4) != 0)
		sectors = words(page, 100, 4);
	if (is_valid(word(page, 106)) && (word(page, 106) & 0x1000))
		bytes = words(page, 117, 2) * 2;
	if (sectors != 0 && bytes >= SECTOR_BYTES && sectors <= UINT64_MAX / bytes)
		r->capacity_bytes = smart_u64(sectors * bytes);
}

static void
take_identify(const uint8_t *page, struct smart_report *r)
{
	take_text(r->serial, page, 10, 10);
	take_text(r->firmware, page, 23, 4);
	take_text(r->model, page, 27, 20);
	take_capacity(page, r);
	/* the WWN's first word is its highest */
	if (is_valid(word(page, 87)) && (word(page, 87) & 0x0100))
		smart_wwn_put(r, (uint64_t)word(page, 108) << 48 |
			(uint64_t)word(page, 109) << 32 |
			(uint64_t)word(page, 110) << 16 | word(page, 111));
	if (is_valid(word(page, 83)))
		r->available = smart_bool((word(page, 82) & 1) != 0);
	if (page[SIGNATURE_AT] == SIGNATURE && !sum_is_zero(page)) {
		smart_undecoded_add(r, 0, "identify page", SMART_WHY_CHECKSUM);
		r->suspect = true;
	}
}

static struct smart_u64
normalised(uint8_t v)
{
	if (v < VALUE_MIN || v > VALUE_MAX)
		return (struct smart_u64){ 0 };
	return smart_u64(v);
}

static void
take_attribute(struct smart_report *r, const uint8_t *row)
{
	struct smart_attribute *a = smart_attribute_add(r);
	uint64_t raw = 0;

	tc_bug_if(a == NULL);
	for (size_t i = 6; i-- > 0;)
		raw = raw << 8 | row[5 + i];
	a->id = row[0];
	a->flags = smart_u64(word(row + 1, 0));
	a->value = normalised(row[3]);
	a->worst = normalised(row[4]);
	a->raw = smart_u64(raw);
}

static void
take_threshold(struct smart_attribute *a, uint8_t threshold)
{
	a->threshold = smart_u64(threshold);
	if (!a->value.has || threshold > VALUE_MAX)
		return;
	if (threshold != 0 && a->value.v <= threshold)
		a->failed = SMART_FAILED_NOW;
	else if (threshold != 0 && a->worst.has && a->worst.v <= threshold)
		a->failed = SMART_FAILED_PAST;
	else
		a->failed = SMART_FAILED_NEVER;
}

static void
take_thresholds(struct smart_report *r, const uint8_t *page)
{
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		const uint8_t *row = page + TABLE_AT + i * ROW_BYTES;

		for (size_t k = 0; row[0] != 0 && k < r->n_attributes; k++) {
			struct smart_attribute *a = &r->attributes[k];

			if (a->id == row[0] && !a->threshold.has)
				take_threshold(a, row[1]);
		}
	}
}

static void
check_page(struct smart_report *r, const uint8_t *page, const char *what)
{
	if (sum_is_zero(page))
		return;
	smart_undecoded_add(r, 0, what, SMART_WHY_CHECKSUM);
	r->suspect = true;
}

int
smart_pages_decode(const struct smart_pages *pages, struct smart_report *out,
	struct tc_err *e)
{
	struct smart_report *r = out;

	if (pages->identify == NULL)
		return tc_fail(e, TC_EINVAL, "no IDENTIFY page");
	memset(r, 0, sizeof(*r));
	r->protocol = SMART_PROTOCOL_ATA;
	r->smart_passed = pages->passed;
	r->has_data = pages->data != NULL || pages->passed.has;
	take_identify(pages->identify, r);
	if (pages->data != NULL) {
		check_page(r, pages->data, "data page");
		for (size_t i = 0; i < TABLE_ROWS; i++) {
			const uint8_t *row = pages->data + TABLE_AT + i * ROW_BYTES;

			if (row[0] != 0)
				take_attribute(r, row);
		}
	}
	if (pages->thresholds != NULL) {
		check_page(r, pages->thresholds, "thresholds page");
		take_thresholds(r, pages->thresholds);
	}
	/* nobody can read the pages of a drive that sleeps */
	if (r->has_data)
		r->asleep = smart_bool(false);
	smart_decode(r);
	return 0;
}

int
smart_blob_decode(const void *p, size_t n, struct smart_report *out,
	struct tc_err *e)
{
	struct smart_pages pages;
	int rc = smart_blob_split(p, n, &pages, e);

	return rc < 0 ? rc : smart_pages_decode(&pages, out, e);
}
