#include "probes/common/sysfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)

static int
read_all(int fd, struct strbuf *out)
{
	for (;;) {
		char *to = strbuf_reserve(out, 4096);
		ssize_t n;

		if (!to)
			return -ENOMEM;
		n = read(fd, to, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out->n += (size_t)n;
		out->p[out->n] = '\0';
		if (out->n > FILE_MAX_BYTES)
			return -EFBIG;
	}
}

int
sysfile_read(const char *root, const char *path, struct strbuf *out)
{
	struct strbuf name = {0};
	int fd, rc;

	strbuf_reset(out);
	strbuf_printf(&name, "%s/%s", root, path);
	if (name.failed) {
		strbuf_free(&name);
		return -ENOMEM;
	}
	fd = open(name.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	rc = fd < 0 ? -errno : read_all(fd, out);
	if (fd >= 0)
		close(fd);
	strbuf_free(&name);
	return rc;
}

static bool
parse_number(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (!span_starts(s, "0x"))
		return u64_parse(s.p, s.n, out) == 0;
	if (s.n < 3 || s.n > 18)
		return false;
	for (size_t i = 2; i < s.n; i++) {
		const char *digits = "0123456789abcdef";
		const char *d = s.p[i] ? strchr(digits, s.p[i] | 0x20) : NULL;

		if (!d)
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*out = v;
	return true;
}

bool
sysfile_word(const char *root, const char *path, struct strbuf *text,
	struct span *word)
{
	struct span rest;

	if (sysfile_read(root, path, text) < 0)
		return false;
	rest = span_of(text);
	return span_word(&rest, word);
}

bool
sysfile_u64(const char *root, const char *path, uint64_t *out)
{
	struct strbuf text = {0};
	struct span word;
	bool ok;

	ok = sysfile_word(root, path, &text, &word) && parse_number(word, out);
	strbuf_free(&text);
	return ok;
}

bool
sysfile_is_dir(const char *root, const char *path)
{
	struct strbuf name = {0};
	struct stat st;
	bool ok;

	strbuf_printf(&name, "%s/%s", root, path);
	ok = !name.failed && stat(name.p, &st) == 0 && S_ISDIR(st.st_mode);
	strbuf_free(&name);
	return ok;
}

bool
span_line(struct span *rest, struct span *line)
{
	const char *end;

	if (rest->n == 0)
		return false;
	end = memchr(rest->p, '\n', rest->n);
	line->p = rest->p;
	line->n = end ? (size_t)(end - rest->p) : rest->n;
	rest->p += line->n + (end != NULL);
	rest->n -= line->n + (end != NULL);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

bool
span_word(struct span *rest, struct span *word)
{
	size_t i = 0, from;

	while (i < rest->n && is_blank(rest->p[i]))
		i++;
	from = i;
	while (i < rest->n && !is_blank(rest->p[i]))
		i++;
	*word = (struct span){ rest->p + from, i - from };
	rest->p += i;
	rest->n -= i;
	return word->n > 0;
}

bool
span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

bool
span_starts(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && memcmp(s.p, text, n) == 0;
}

bool
span_u64(struct span *rest, uint64_t *out)
{
	struct span word;

	return span_word(rest, &word) && u64_parse(word.p, word.n, out) == 0;
}

bool
span_double(struct span *rest, double *out)
{
	struct span word;

	return span_word(rest, &word) &&
		double_parse(word.p, word.n, out) == 0;
}

bool
sysfile_name_ok(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789!_.:-");

	return n > 0 && n < 64 && name[n] == '\0' && name[0] != '.';
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
names_add(struct names *names, const char *name)
{
	void *items = names->items;

	if (mem_grow(&items, &names->cap, names->n + 1,
		     sizeof(*names->items)) < 0)
		return -ENOMEM;
	names->items = items;
	memcpy(names->items[names->n++], name, strlen(name) + 1);
	return 0;
}

int
names_list(const char *root, const char *path, struct names *out)
{
	struct strbuf name = {0};
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	*out = (struct names){0};
	strbuf_printf(&name, "%s/%s", root, path);
	dir = name.failed ? NULL : opendir(name.p);
	if (!dir)
		rc = name.failed ? -ENOMEM : -errno;
	while (dir && rc == 0 && (entry = readdir(dir))) {
		if (sysfile_name_ok(entry->d_name))
			rc = names_add(out, entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), compare_names);
	strbuf_free(&name);
	return rc;
}

void
names_free(struct names *names)
{
	mem_free(names->items);
	*names = (struct names){0};
}
