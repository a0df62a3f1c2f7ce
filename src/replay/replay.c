/*
 * Files to lines, lines to rows.
 */
#include "replay/replay.h"

#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "replay/csv.h"
#include "replay/stream.h"

/* The longest line; the buffer holds one at least. */
#define LINE_BYTES_MAX (1024 * 1024)
/* Read at once: stays in the cache. */
#define READ_BYTES (128 * 1024)

struct replay {
	struct row_source source;
	const char *const *paths;
	size_t n_paths;
	size_t opened;		/* paths begun */
	struct stream *stream;	/* NULL = between files */
	const char *name;	/* of memory; NULL = files */
	const void *bytes;
	size_t n_bytes;
	struct csv csv;
	char *buf;		/* LINE_BYTES_MAX + CSV_SLACK */
	char *at;		/* the next line */
	char *lines_end;	/* behind the last complete line */
	char *end;		/* behind the last byte */
	bool drained;		/* the stream has no more */
};

/* Moves what is left to the front and reads until a line is complete. */
static int
refill(struct replay *r, struct tc_err *e)
{
	size_t left = (size_t)(r->end - r->at), got;
	int rc;

	memmove(r->buf, r->at, left);
	r->at = r->lines_end = r->buf;
	r->end = r->buf + left;
	while (r->lines_end == r->buf && !r->drained) {
		size_t room = (size_t)(r->buf + LINE_BYTES_MAX - r->end);
		char *line_end;

		if (room <= 1)
			return tc_fail(e, TC_EFULL, "%s:%llu: the line is "
				"longer than %d bytes", r->csv.file,
				(unsigned long long)r->csv.line + 1,
				LINE_BYTES_MAX);
		room = room > READ_BYTES ? READ_BYTES : room - 1;
		if ((rc = stream_read(r->stream, r->end, room, &got, e)) < 0)
			return rc;
		r->drained = got == 0;
		r->end += got;
		/* the last line may lack its end */
		if (r->drained && r->end > r->buf && r->end[-1] != '\n')
			*r->end++ = '\n';
		line_end = memrchr(r->buf, '\n', (size_t)(r->end - r->buf));
		if (line_end)
			r->lines_end = line_end + 1;
	}
	return 0;
}

/* 1 = a line is at r->at, 0 = the end of the file. */
static int
need_line(struct replay *r, struct tc_err *e)
{
	int rc;

	if (r->at == r->lines_end) {
		if ((rc = refill(r, e)) < 0)
			return rc;
		if (r->at == r->lines_end)
			return 0;
	}
	r->csv.line++;
	return 1;
}

static int
read_header(struct replay *r, struct tc_err *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	char *line_end, *text;
	size_t n;
	int rc = need_line(r, e);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return tc_fail(e, TC_EINVAL, "%s: is empty; expected a header "
			"with date, serial_number, failure, smart_N_raw …",
			r->csv.file);
	line_end = rawmemchr(r->at, '\n');
	text = r->at;
	n = (size_t)(line_end - text);
	r->at = line_end + 1;
	if (n >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		n -= 3;
	}
	if (n > 0 && text[n - 1] == '\r')
		n--;
	return csv_header(&r->csv, text, n, e);
}

static void
begin_file(struct replay *r)
{
	r->at = r->lines_end = r->end = r->buf;
	r->drained = false;
	memset(&r->csv, 0, sizeof(r->csv));
	r->csv.file = r->paths[r->opened++];
}

/* 1 = a file is open and its header read, 0 = there are no more. */
static int
next_file(struct replay *r, struct tc_err *e)
{
	int rc;

	if (r->opened == r->n_paths)
		return 0;
	begin_file(r);
	if ((rc = stream_open(r->csv.file, &r->stream, e)) < 0)
		return rc;
	rc = read_header(r, e);
	return rc < 0 ? rc : 1;
}

static bool
line_is_blank(const char *p)
{
	return *p == '\n' || (*p == '\r' && p[1] == '\n');
}

static int
replay_next(struct row_source *source, struct row *row, struct tc_err *e)
{
	struct replay *r = CONTAINER_OF(source, struct replay, source);
	int rc;

	for (;;) {
		if (!r->stream) {
			if ((rc = next_file(r, e)) <= 0)
				return rc;
		}
		if ((rc = need_line(r, e)) < 0)
			return rc;
		if (rc == 0) {
			stream_close(r->stream);
			r->stream = NULL;
			continue;
		}
		if (!line_is_blank(r->at))
			break;
		r->at = (char *)rawmemchr(r->at, '\n') + 1;
	}
	rc = csv_row(&r->csv, r->at, row, &r->at, e);
	return rc < 0 ? rc : 1;
}

static int
open_memory(struct replay *r, struct tc_err *e)
{
	int rc;

	memset(&r->csv, 0, sizeof(r->csv));
	r->csv.file = r->name;
	rc = stream_open_memory(r->name, r->bytes, r->n_bytes, &r->stream, e);
	return rc < 0 ? rc : read_header(r, e);
}

static int
replay_rewind(struct row_source *source, struct tc_err *e)
{
	struct replay *r = CONTAINER_OF(source, struct replay, source);
	int rc;

	for (size_t i = 0; i < r->n_paths; i++)
		if (strcmp(r->paths[i], "-") == 0)
			return tc_fail(e, TC_EUNSUP, "standard input cannot "
				"be read twice");
	stream_close(r->stream);
	r->stream = NULL;
	r->opened = 0;
	r->at = r->lines_end = r->end = r->buf;
	r->drained = false;
	rc = r->name ? open_memory(r, e) : next_file(r, e);
	return rc < 0 ? rc : 0;
}

static int
replay_new(struct replay **out, struct tc_err *e)
{
	struct replay *r = MEM_NEW(struct replay);

	if (r)
		r->buf = mem_alloc(LINE_BYTES_MAX + CSV_SLACK);
	if (!r || !r->buf) {
		replay_close(r);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	r->source.next = replay_next;
	r->source.rewind = replay_rewind;
	r->at = r->lines_end = r->end = r->buf;
	*out = r;
	return 0;
}

int
replay_open(const char *const *paths, size_t n, struct replay **out,
	struct tc_err *e)
{
	struct replay *r = NULL;
	int rc = replay_new(&r, e);

	if (rc < 0)
		return rc;
	r->paths = paths;
	r->n_paths = n;
	/* the first file is opened here, so that its faults come early */
	if (n > 0 && (rc = next_file(r, e)) < 0) {
		replay_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

int
replay_open_memory(const char *name, const void *p, size_t n,
	struct replay **out, struct tc_err *e)
{
	struct replay *r = NULL;
	int rc = replay_new(&r, e);

	if (rc < 0)
		return rc;
	r->name = name;
	r->bytes = p;
	r->n_bytes = n;
	if ((rc = open_memory(r, e)) < 0) {
		replay_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
replay_close(struct replay *r)
{
	if (!r)
		return;
	stream_close(r->stream);
	mem_free(r->buf);
	mem_free(r);
}

struct row_source *
replay_source(struct replay *r)
{
	return &r->source;
}

double
replay_progress(const struct replay *r)
{
	size_t n = r->n_paths ? r->n_paths : 1;
	size_t done = r->n_paths ? r->opened : 1;
	double part = 0;

	if (!r->stream)
		return n ? (double)done / (double)n : 1;
	if (stream_size(r->stream) == 0)
		return -1;
	part = (double)stream_eaten(r->stream) / (double)stream_size(r->stream);
	return ((double)(done - 1) + part) / (double)n;
}
