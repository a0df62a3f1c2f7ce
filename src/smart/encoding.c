/*
 * Raw values into decoded ones, attributes into fields of the report.
 */
#include "smart/encoding.h"

#include <string.h>

#include "base/macros.h"
#include "base/units.h"

/* 48 bits of raw value; all ones is what empty flash reads */
#define RAW48_MAX 0xffffffffffffULL
#define RAW32_MAX 0xffffffffULL
#define SECTOR_BYTES 512
/* 30 years: no drive with SMART is older, so the unit must be another */
#define HOURS_MAX 262800.0
/* beyond these a sensor is not a sensor */
#define CELSIUS_MIN (-60.0)
#define CELSIUS_MAX 150.0

static uint64_t
word_of(uint64_t raw, unsigned i)
{
	return raw >> (16 * i) & 0xffff;
}

static struct smart_f64
count_of(uint64_t raw)
{
	return smart_f64((double)raw);
}

/* The lowest byte, signed; a whole word where the upper byte is only sign. */
static struct smart_f64
temperature_of(uint64_t raw)
{
	uint64_t w = word_of(raw, 0);

	if (w <= 0x7f)
		return smart_f64((double)w);
	if (w >= 0xff80)
		return smart_f64((double)w - 65536.0);
	/* some keep a flag or the minimum in the upper byte */
	if ((w & 0xff) <= 0x7f)
		return smart_f64((double)(w & 0xff));
	return (struct smart_f64){ 0 };
}

static struct smart_f64
percent_used(struct smart_u64 left)
{
	if (!left.has || left.v > 100)
		return (struct smart_f64){ 0 };
	return smart_f64((double)(100 - left.v) / 100.0);
}

static struct smart_f64
cascade_of(uint64_t raw)
{
	uint64_t w0 = word_of(raw, 0), w1 = word_of(raw, 1);

	if (raw <= 0xffff)
		return count_of(raw);
	/* "longer than 5 s" cannot be more often than "too long" */
	if (raw <= RAW48_MAX && w0 >= w1 && w1 >= word_of(raw, 2))
		return count_of(w0);
	return (struct smart_f64){ 0 };
}

struct smart_f64
smart_encoding_apply(enum smart_encoding encoding,
	const struct smart_attribute *a)
{
	struct smart_f64 none = { 0 };
	uint64_t raw = a->raw.v;

	if (!a->raw.has)
		return none;
	switch (encoding) {
	case SMART_ENC_UNKNOWN:
	case SMART_ENC_SMARTCTL:
		return none;
	case SMART_ENC_COUNT:
		return raw <= RAW32_MAX ? count_of(raw) : none;
	case SMART_ENC_WIDE:
	case SMART_ENC_NUMBER:
		return count_of(raw);
	case SMART_ENC_LOW16:
	case SMART_ENC_RAW16X3:
		return count_of(word_of(raw, 0));
	case SMART_ENC_LOW32:
		/* beyond 32 bits the upper words are something else */
		return count_of(raw <= RAW32_MAX ? raw : word_of(raw, 0));
	case SMART_ENC_CASCADE:
		return cascade_of(raw);
	case SMART_ENC_RAW16_OPS32:
		return count_of(word_of(raw, 2));
	case SMART_ENC_TEMPERATURE:
		return temperature_of(raw);
	case SMART_ENC_TEMPERATURE10:
		return smart_f64((double)word_of(raw, 0) / 10.0);
	case SMART_ENC_HOURS:
		return count_of(raw & 0xffffff);
	case SMART_ENC_MSEC24_HOUR32:
		return count_of(raw & RAW32_MAX);
	case SMART_ENC_MINUTES:
		return count_of((raw & RAW32_MAX) / 60);
	case SMART_ENC_HALFMINUTES:
		return count_of((raw & RAW32_MAX) / 120);
	case SMART_ENC_SECONDS:
		return count_of((raw & RAW32_MAX) / 3600);
	case SMART_ENC_LEFT_VALUE:
		return percent_used(a->value);
	case SMART_ENC_LEFT_RAW:
		return percent_used(raw >= 1 && raw <= 100 ? a->raw : a->value);
	case SMART_ENC_USED_RAW:
		return raw <= 255 ? smart_f64((double)raw / 100.0) : none;
	case SMART_ENC_SPARE_VALUE:
		return a->value.has && a->value.v <= 100 ?
			smart_f64((double)a->value.v / 100.0) : none;
	}
	return none;
}

static size_t
number_length(const char *s)
{
	return strspn(s, "0123456789.");
}

/*
 * smartctl prints words from the highest: "1 1 9" and "0 0 0 0 0 9" count 9.
 */
static bool
read_words(const char *text, struct smart_f64 *out)
{
	const char *last = strrchr(text, ' ');
	uint64_t v;

	if (strspn(text, "0123456789 ") != strlen(text) ||
		u64_parse(last + 1, strlen(last + 1), &v) < 0)
		return false;
	*out = count_of(v);
	return true;
}

/*
 * What smartctl read where that is more than the raw number again: "29
 * (Min/Max 22/32)", "1730h+05m", "0 0 3", "0/18".  A plain other number
 * counts only where the raw one has upper words, that is, can be packed.
 */
static bool
read_raw_text(const struct smart_attribute *a, struct smart_f64 *out)
{
	const char *text = a->raw_text;
	bool minus = text[0] == '-';
	size_t n = number_length(text + minus);
	const char *rest = text + minus + n;
	double v;

	if (n == 0 || n > 20 || double_parse(text + minus, n, &v) < 0)
		return false;
	if (rest[0] == ' ' && rest[1] >= '0' && rest[1] <= '9')
		return read_words(text, out);
	if (rest[0] == '\0' && memchr(text, '.', n + minus) == NULL &&
		(a->raw.v <= 0xffff || count_of(a->raw.v).v == v))
		return false;
	if (rest[0] != '\0' && strncmp(rest, " (", 2) != 0 &&
		rest[0] != 'h' && rest[0] != '/')
		return false;
	*out = smart_f64(minus ? -v : v);
	return true;
}

static bool
is_percentage(enum smart_encoding enc)
{
	return enc == SMART_ENC_LEFT_VALUE || enc == SMART_ENC_LEFT_RAW ||
		enc == SMART_ENC_USED_RAW || enc == SMART_ENC_SPARE_VALUE;
}

static void
give_up(struct smart_report *r, struct smart_attribute *a, enum smart_why why)
{
	a->decoded.has = false;
	if (why == SMART_WHY_PACKING)
		a->encoding = SMART_ENC_UNKNOWN;
	smart_undecoded_add(r, a->id, a->name, why);
}

/* Sectors, hours and temperatures that cannot be. */
static bool
is_plausible(const struct smart_report *r, const struct smart_attribute *a)
{
	double v = a->decoded.v;

	if (a->unit == SMART_UNIT_SECTORS && r->capacity_bytes.has)
		return v < (double)(r->capacity_bytes.v / SECTOR_BYTES);
	if (a->unit == SMART_UNIT_HOURS)
		return v <= HOURS_MAX;
	if (a->unit == SMART_UNIT_CELSIUS)
		return v >= CELSIUS_MIN && v <= CELSIUS_MAX;
	return true;
}

/* smartctl widens some raw values to 7 or 8 bytes. */
static bool
is_all_ones(const struct smart_attribute *a)
{
	return a->raw.v == RAW48_MAX || a->raw.v == (RAW48_MAX << 8 | 0xff) ||
		a->raw.v == UINT64_MAX ||
		(a->raw.v == RAW32_MAX && a->unit == SMART_UNIT_SECTORS);
}

/* A vendor's bit field, which smartctl shows in hexadecimal. */
static bool
is_bit_field(const struct smart_attribute *a)
{
	return strncmp(a->raw_text, "0x", 2) == 0 && a->raw.v > 0xffff;
}

static void
decode_one(struct smart_report *r, struct smart_attribute *a,
	const struct smart_packing *p)
{
	if (a->name[0] == '\0' && p->name != NULL)
		memcpy(a->name, p->name, strlen(p->name) + 1);
	a->encoding = p->encoding;
	a->unit = p->unit;
	a->worse = p->worse;
	if (!a->raw.has) {
		give_up(r, a, SMART_WHY_PACKING);
		return;
	}
	if (p->encoding == SMART_ENC_UNKNOWN || is_bit_field(a)) {
		give_up(r, a, SMART_WHY_PACKING);
		return;
	}
	if (!is_percentage(p->encoding) && read_raw_text(a, &a->decoded))
		a->encoding = SMART_ENC_SMARTCTL;
	else if (!is_percentage(p->encoding) && is_all_ones(a))
		give_up(r, a, SMART_WHY_ALL_ONES);
	else
		a->decoded = smart_encoding_apply(p->encoding, a);
	if (a->decoded.has && !is_plausible(r, a))
		give_up(r, a, SMART_WHY_IMPLAUSIBLE);
	else if (!a->decoded.has && !is_all_ones(a))
		give_up(r, a, SMART_WHY_PACKING);
}

struct smart_f64
smart_raw_decode(const char *model, const char *firmware, uint8_t id,
	uint64_t raw)
{
	const struct smart_packing *p =
		smart_packing_find(model, firmware, id, "");
	struct smart_attribute a = { .id = id, .raw = smart_u64(raw),
		.unit = p->unit };

	if (is_all_ones(&a))
		return (struct smart_f64){ 0 };
	return smart_encoding_apply(p->encoding, &a);
}

static void
fill_u64(struct smart_u64 *field, double v)
{
	if (!field->has && v >= 0)
		*field = smart_u64((uint64_t)v);
}

static void
fill_f64(struct smart_f64 *field, double v)
{
	if (!field->has)
		*field = smart_f64(v);
}

static void
fill_role(struct smart_report *r, enum smart_role role, double v)
{
	switch (role) {
	case SMART_ROLE_NONE:
	case SMART_ROLE_TEMPERATURE2:
		return;
	case SMART_ROLE_REALLOCATED:
		fill_u64(&r->reallocated_sectors, v);
		return;
	case SMART_ROLE_PENDING:
		fill_u64(&r->pending_sectors, v);
		return;
	case SMART_ROLE_OFFLINE:
		fill_u64(&r->offline_uncorrectable, v);
		return;
	case SMART_ROLE_REPORTED:
		fill_u64(&r->reported_uncorrectable, v);
		return;
	case SMART_ROLE_CRC:
		fill_u64(&r->crc_errors, v);
		return;
	case SMART_ROLE_HOURS:
		fill_u64(&r->power_on_hours, v);
		return;
	case SMART_ROLE_TEMPERATURE:
		fill_f64(&r->temperature_celsius, v);
		return;
	case SMART_ROLE_WEAR:
		fill_f64(&r->wear_ratio, v);
		return;
	case SMART_ROLE_SPARE:
		fill_f64(&r->spare_ratio, v);
		return;
	}
}

static bool
is_repeated(const struct smart_report *r, const struct smart_attribute *a)
{
	return smart_attribute_find(r, a->id) != a;
}

void
smart_decode(struct smart_report *r)
{
	struct smart_f64 second = { 0 };

	for (size_t i = 0; i < r->n_attributes; i++) {
		struct smart_attribute *a = &r->attributes[i];
		const struct smart_packing *p;

		if (a->id == 0)
			continue;
		p = smart_packing_find(r->model, r->firmware, a->id, a->name);
		decode_one(r, a, p);
		if (is_repeated(r, a)) {
			give_up(r, a, SMART_WHY_DUPLICATE);
			continue;
		}
		if (!a->decoded.has)
			continue;
		if (p->role == SMART_ROLE_TEMPERATURE2)
			second = a->decoded;
		fill_role(r, p->role, a->decoded.v);
	}
	if (second.has)
		fill_f64(&r->temperature_celsius, second.v);
}
