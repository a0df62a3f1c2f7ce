/*
 * Pages of drives that do not exist, as a libatasmart container.
 */
#ifndef TOCSIN_T_LIB_SMART_PAGES_H
#define TOCSIN_T_LIB_SMART_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FAKE_BLOB_BYTES = 3 * (8 + 512) + 8 + 4 };

struct fake_attribute {
	uint8_t id, value, worst, threshold;
	uint64_t raw;
};

struct fake_drive {
	const char *model, *serial, *firmware;
	uint64_t sectors;
	uint64_t wwn;
	bool passed;
	size_t n;
	struct fake_attribute attributes[30];
};

static inline void
fake_word(uint8_t *page, size_t i, unsigned v)
{
	page[2 * i] = (uint8_t)v;
	page[2 * i + 1] = (uint8_t)(v >> 8);
}

static inline void
fake_text(uint8_t *page, size_t first, size_t n_words, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < 2 * n_words; i++)
		page[2 * first + (i ^ 1)] = (uint8_t)(i < n ? text[i] : ' ');
}

static inline void
fake_sum(uint8_t *page)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < 511; i++)
		sum = (uint8_t)(sum + page[i]);
	page[511] = (uint8_t)-sum;
}

static inline uint8_t *
fake_piece(uint8_t *at, const char *tag, size_t n)
{
	memcpy(at, tag, 4);
	at[6] = (uint8_t)(n >> 8);
	at[7] = (uint8_t)n;
	return at + 8;
}

static inline void
fake_identify(const struct fake_drive *d, uint8_t *page)
{
	fake_text(page, 10, 10, d->serial);
	fake_text(page, 23, 4, d->firmware);
	fake_text(page, 27, 20, d->model);
	fake_word(page, 82, 1);
	fake_word(page, 83, 0x4400);
	for (size_t i = 0; i < 4; i++)
		fake_word(page, 100 + i, (unsigned)(d->sectors >> 16 * i) & 0xffff);
	if (d->wwn != 0) {
		fake_word(page, 87, 0x4100);
		for (size_t i = 0; i < 4; i++)
			fake_word(page, 111 - i,
				(unsigned)(d->wwn >> 16 * i) & 0xffff);
	}
	page[510] = 0xa5;
	fake_sum(page);
}

/* blob has FAKE_BLOB_BYTES. */
static inline void
fake_blob(const struct fake_drive *d, uint8_t *blob)
{
	uint8_t *at = blob, *data, *thresholds;

	memset(blob, 0, FAKE_BLOB_BYTES);
	at = fake_piece(at, "IDFY", 512);
	fake_identify(d, at);
	at = fake_piece(at + 512, "SMST", 4);
	at[3] = d->passed;
	data = fake_piece(at + 4, "SMDT", 512);
	thresholds = fake_piece(data + 512, "SMTH", 512);
	for (size_t i = 0; i < d->n; i++) {
		const struct fake_attribute *a = &d->attributes[i];
		uint8_t *row = data + 2 + 12 * i;

		row[0] = a->id;
		row[1] = 0x33;
		row[3] = a->value;
		row[4] = a->worst;
		for (size_t k = 0; k < 6; k++)
			row[5 + k] = (uint8_t)(a->raw >> 8 * k);
		thresholds[2 + 12 * i] = a->id;
		thresholds[3 + 12 * i] = a->threshold;
	}
	fake_sum(data);
	fake_sum(thresholds);
}

#endif
