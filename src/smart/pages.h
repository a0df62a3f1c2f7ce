/*
 * Raw 512-byte pages of ATA drives (IDENTIFY DEVICE, SMART DATA, SMART
 * THRESHOLDS) and the container that libatasmart keeps them in: pieces of
 * big-endian tag, be32 size, bytes; tags IDFY SMST SMDT SMTH.
 */
#ifndef TOCSIN_SMART_PAGES_H
#define TOCSIN_SMART_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "smart/model.h"

enum { SMART_PAGE_BYTES = 512 };

/* Borrowed from the bytes they were split from; NULL = not there. */
struct smart_pages {
	const uint8_t *identify;
	const uint8_t *data;
	const uint8_t *thresholds;
	struct smart_bool passed;	/* SMART RETURN STATUS */
};

/* The first four bytes are one of the tags. */
bool smart_blob_is(const void *p, size_t n);

/*
 * Takes the container apart.  TC_EINVAL "byte N: …" for an unknown or a
 * second tag, a wrong size, a piece beyond the end, no IDENTIFY page.
 */
int smart_blob_split(const void *p, size_t n, struct smart_pages *out,
	struct tc_err *e);

/*
 * Pages into a report, which is overwritten.  A wrong checksum does not fail:
 * the page is decoded, listed in undecoded[] and the report is `suspect`.
 * TC_EINVAL without an IDENTIFY page.
 */
int smart_pages_decode(const struct smart_pages *pages,
	struct smart_report *out, struct tc_err *e);

/* smart_blob_split() and smart_pages_decode(). */
int smart_blob_decode(const void *p, size_t n, struct smart_report *out,
	struct tc_err *e);

#endif
