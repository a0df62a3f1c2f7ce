#include "wire/words.h"

#include <stdbool.h>
#include <string.h>

struct reading {
	const char *p;
	char *to;	/* where the word grows */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
check_text(const char *text, struct tc_err *e)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return tc_fail(e, TC_EINVAL,
				"a control character at byte %zu",
				(size_t)(p - text));
	}
	return 0;
}

/* Behind the opening quote; in double quotes \" and \\ are one character. */
static int
take_quoted(struct reading *in, char quote, struct tc_err *e)
{
	while (*in->p != quote) {
		if (quote == '"' && *in->p == '\\' &&
		    (in->p[1] == '"' || in->p[1] == '\\'))
			in->p++;
		if (*in->p == '\0')
			return tc_fail(e, TC_EINVAL, "no closing %c", quote);
		*in->to++ = *in->p++;
	}
	in->p++;
	return 0;
}

static int
take_word(struct reading *in, struct tc_err *e)
{
	int rc;

	while (*in->p != '\0' && !is_blank(*in->p)) {
		char c = *in->p++;

		if (c == '\'' || c == '"') {
			if ((rc = take_quoted(in, c, e)) < 0)
				return rc;
			continue;
		}
		if (c == '\\' && *in->p == '\0')
			return tc_fail(e, TC_EINVAL, "a backslash at the end");
		*in->to++ = c == '\\' ? *in->p++ : c;
	}
	*in->to++ = '\0';
	return 0;
}

int
words_split(struct arena *a, const char *text, const char ***out,
	struct tc_err *e)
{
	size_t n = strlen(text), most = n / 2 + 2;
	struct reading in = { .p = text };
	const char **words;
	int count = 0, rc;

	if ((rc = check_text(text, e)) < 0)
		return rc;
	if (most > WORDS_MAX + 1)
		most = WORDS_MAX + 1;
	words = arena_alloc(a, most * sizeof(*words));
	in.to = arena_alloc(a, n + 2);
	if (words == NULL || in.to == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (;;) {
		while (is_blank(*in.p))
			in.p++;
		if (*in.p == '\0')
			break;
		if (count == WORDS_MAX)
			return tc_fail(e, TC_EFULL, "more than %d words",
				WORDS_MAX);
		words[count++] = in.to;
		if ((rc = take_word(&in, e)) < 0)
			return rc;
	}
	words[count] = NULL;
	*out = words;
	return count;
}
