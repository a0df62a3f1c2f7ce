#include "t/lib/schema.h"

#include <ctype.h>
#include <regex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

static bool check(struct schema *s, const json_t *rule, const json_t *v,
	const char *at);

static bool TC_PRINTF(3, 4)
wrong(struct schema *s, const char *at, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(s->why, sizeof(s->why), "%s: ", at[0] ? at : "/");
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(s->why))
		vsnprintf(s->why + n, sizeof(s->why) - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

static bool
is_type(const json_t *v, const char *name)
{
	if (strcmp(name, "object") == 0)
		return json_is_object(v);
	if (strcmp(name, "array") == 0)
		return json_is_array(v);
	if (strcmp(name, "string") == 0)
		return json_is_string(v);
	if (strcmp(name, "integer") == 0)
		return json_is_integer(v);
	if (strcmp(name, "number") == 0)
		return json_is_number(v);
	if (strcmp(name, "boolean") == 0)
		return json_is_boolean(v);
	return strcmp(name, "null") == 0 && json_is_null(v);
}

static bool
check_type(struct schema *s, const json_t *arg, const json_t *v,
	const char *at)
{
	const json_t *name;
	size_t i;

	if (json_is_string(arg))
		return is_type(v, json_string_value(arg)) ||
			wrong(s, at, "no %s", json_string_value(arg));
	json_array_foreach(arg, i, name) {
		if (is_type(v, json_string_value(name)))
			return true;
	}
	return wrong(s, at, "of none of the types");
}

static bool
check_enum(struct schema *s, const json_t *arg, const json_t *v,
	const char *at)
{
	const json_t *one;
	size_t i;

	json_array_foreach(arg, i, one) {
		if (json_equal(one, v))
			return true;
	}
	return wrong(s, at, "'%s' is none of the values",
		json_is_string(v) ? json_string_value(v) : "…");
}

static bool
check_pattern(struct schema *s, const json_t *arg, const char *text,
	const char *at)
{
	regex_t re;
	bool ok;

	if (regcomp(&re, json_string_value(arg), REG_EXTENDED | REG_NOSUB))
		return wrong(s, at, "bad pattern in the description");
	ok = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return ok || wrong(s, at, "'%.60s' does not match %s", text,
		json_string_value(arg));
}

static bool
check_one_of(struct schema *s, const json_t *arg, const json_t *v,
	const char *at)
{
	const json_t *one;
	size_t i, matched = 0;
	char why[sizeof(s->why)] = "";

	json_array_foreach(arg, i, one) {
		if (check(s, one, v, at))
			matched++;
		else if (!json_is_null(v) && why[0] == '\0')
			memcpy(why, s->why, sizeof(why));
	}
	if (matched == 1)
		return true;
	if (matched == 0 && why[0] != '\0')
		memcpy(s->why, why, sizeof(why));
	else
		wrong(s, at, "matches %zu of oneOf", matched);
	return false;
}

static bool
check_required(struct schema *s, const json_t *arg, const json_t *v,
	const char *at)
{
	const json_t *name;
	size_t i;

	json_array_foreach(arg, i, name) {
		if (json_object_get(v, json_string_value(name)) == NULL)
			return wrong(s, at, "lacks %s",
				json_string_value(name));
	}
	return true;
}

static bool
check_members(struct schema *s, const json_t *rule, const json_t *v,
	const char *at)
{
	const json_t *props = json_object_get(rule, "properties");
	const json_t *more = json_object_get(rule, "additionalProperties");
	const json_t *names = json_object_get(rule, "propertyNames");
	const char *key;
	json_t *one;
	char place[256];

	json_object_foreach((json_t *)(uintptr_t)v, key, one) {
		const json_t *sub = json_object_get(props, key);

		snprintf(place, sizeof(place), "%s/%s", at, key);
		if (names != NULL && !check_pattern(s,
				json_object_get(names, "pattern"), key, place))
			return false;
		if (sub == NULL && json_is_false(more))
			return wrong(s, place, "is not described");
		if (sub == NULL && json_is_object(more))
			sub = more;
		if (sub != NULL && !check(s, sub, one, place))
			return false;
	}
	return true;
}

static bool
check_items(struct schema *s, const json_t *arg, const json_t *v,
	const char *at)
{
	const json_t *one;
	char place[256];
	size_t i;

	json_array_foreach(v, i, one) {
		snprintf(place, sizeof(place), "%s/%zu", at, i);
		if (!check(s, arg, one, place))
			return false;
	}
	return true;
}

static const json_t *
resolve(const struct schema *s, const char *ref)
{
	const json_t *at = s->doc;
	char part[64];

	while (at != NULL && *ref != '\0') {
		size_t n;

		ref += *ref == '#' || *ref == '/';
		n = strcspn(ref, "/");
		if (n == 0)
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)n, ref);
		at = json_object_get(at, part);
		ref += n;
	}
	return at;
}

static bool
check_number(struct schema *s, const char *word, const json_t *arg,
	const json_t *v, const char *at)
{
	double limit = json_number_value(arg), x = json_number_value(v);

	if (!json_is_number(v))
		return true;
	if (word[1] == 'i' ? x >= limit : x <= limit)
		return true;
	return wrong(s, at, "%g is beyond %s %g", x, word, limit);
}

static bool
check_size(struct schema *s, const char *word, const json_t *arg,
	const json_t *v, const char *at)
{
	size_t n = json_is_string(v) ? json_string_length(v) :
		json_array_size(v);
	size_t limit = (size_t)json_integer_value(arg);

	if (!json_is_array(v) && !json_is_string(v))
		return true;
	if (word[1] == 'i' ? n >= limit : n <= limit)
		return true;
	return wrong(s, at, "%zu is beyond %s %zu", n, word, limit);
}

static bool
is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (strcmp(word, *list) == 0)
			return true;
	}
	return false;
}

static bool
check_word(struct schema *s, const char *word, const json_t *arg,
	const json_t *v, const char *at)
{
	static const char *const elsewhere[] = { "description", "format",
		"properties", "additionalProperties", "propertyNames",
		"default", NULL };
	static const char *const numbers[] = { "minimum", "maximum", NULL };
	static const char *const sizes[] = { "minItems", "maxItems",
		"maxLength", NULL };

	if (is_one_of(word, elsewhere))
		return true;
	if (is_one_of(word, numbers))
		return check_number(s, word, arg, v, at);
	if (is_one_of(word, sizes))
		return check_size(s, word, arg, v, at);
	if (strcmp(word, "type") == 0)
		return check_type(s, arg, v, at);
	if (strcmp(word, "enum") == 0)
		return check_enum(s, arg, v, at);
	if (strcmp(word, "const") == 0)
		return json_equal(arg, v) || wrong(s, at, "another value");
	if (strcmp(word, "oneOf") == 0)
		return check_one_of(s, arg, v, at);
	if (strcmp(word, "required") == 0)
		return !json_is_object(v) || check_required(s, arg, v, at);
	if (strcmp(word, "items") == 0)
		return check_items(s, arg, v, at);
	if (strcmp(word, "pattern") == 0)
		return !json_is_string(v) ||
			check_pattern(s, arg, json_string_value(v), at);
	return wrong(s, at, "the description says '%s'", word);
}

static bool
check(struct schema *s, const json_t *rule, const json_t *v, const char *at)
{
	const json_t *ref = json_object_get(rule, "$ref");
	const char *word;
	json_t *arg;

	if (ref != NULL) {
		rule = resolve(s, json_string_value(ref));
		if (rule == NULL)
			return wrong(s, at, "%s is not described",
				json_string_value(ref));
	}
	json_object_foreach((json_t *)(uintptr_t)rule, word, arg) {
		if (!check_word(s, word, arg, v, at))
			return false;
	}
	return !json_is_object(v) || check_members(s, rule, v, at);
}

bool
schema_match(struct schema *s, const json_t *rule, const json_t *value)
{
	s->why[0] = '\0';
	return check(s, rule, value, "");
}

const json_t *
schema_of_reply(struct schema *s, const char *method, const char *path,
	int status, const char **type)
{
	const json_t *at = json_object_get(s->doc, "paths");
	const json_t *ref;
	const char *name;
	json_t *content;
	char code[8];
	void *it;

	snprintf(code, sizeof(code), "%d", status);
	at = json_object_get(json_object_get(at, path), method);
	at = json_object_get(json_object_get(at, "responses"), code);
	ref = json_object_get(at, "$ref");
	if (ref != NULL)
		at = resolve(s, json_string_value(ref));
	content = json_object_get(at, "content");
	it = json_object_iter(content);
	if (it == NULL)
		return NULL;
	name = json_object_iter_key(it);
	*type = name;
	return json_object_get(json_object_iter_value(it), "schema");
}
