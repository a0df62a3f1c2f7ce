/*
 * What is written from the rows of a command line: help, manual, completion.
 */
#include "base/args.h"

#include <string.h>

#define COLUMNS 80
#define LEFT_MAX 25	/* what is wider has its help below it */

/* The text in lines of what is left; the first one goes on at `at`. */
static void
put_wrapped(struct strbuf *out, const char *text, size_t at, size_t indent)
{
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (at > indent && at + 1 + n > COLUMNS) {
			strbuf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			strbuf_putc(out, ' ');
			at++;
		}
		strbuf_add(out, text, n);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
}

/* What stands on the left takes `used` of `width`; its help comes beside. */
static void
put_help(struct strbuf *out, const char *text, size_t used, size_t width)
{
	size_t indent = (width < LEFT_MAX ? width : LEFT_MAX) + 2;

	if (used + 2 > indent)
		strbuf_printf(out, "\n%*s", (int)indent, "");
	else
		strbuf_printf(out, "%*s", (int)(indent - used), "");
	put_wrapped(out, text, indent, indent);
	strbuf_putc(out, '\n');
}

static size_t
row_width(const struct arg *row)
{
	return 2 + strlen(row->name) + (row->value ? 1 + strlen(row->value) : 0);
}

static void
put_row(struct strbuf *out, const struct arg *row, size_t width)
{
	struct strbuf help = { 0 };

	strbuf_printf(out, "  --%s%s%s", row->name, row->value ? " " : "",
		row->value ? row->value : "");
	strbuf_puts(&help, row->help);
	if (row->dflt)
		strbuf_printf(&help, " (%s)", row->dflt);
	put_help(out, strbuf_str(&help), 2 + row_width(row), 2 + width);
	strbuf_free(&help);
}

static void
widest(const struct arg *rows, size_t *width)
{
	for (const struct arg *row = rows; row && row->name; row++) {
		if (row_width(row) > *width)
			*width = row_width(row);
	}
}

static void
put_rows(struct strbuf *out, const struct arg *rows, size_t width)
{
	for (const struct arg *row = rows; row && row->name; row++)
		put_row(out, row, width);
}

static void
put_verbs(struct strbuf *out, const struct arg_verb *verbs)
{
	size_t width = 0;

	for (const struct arg_verb *v = verbs; v->name; v++) {
		size_t n = strlen(v->name) + 1 + strlen(v->operands);

		width = n > width ? n : width;
	}
	strbuf_puts(out, "\nCommands:\n");
	for (const struct arg_verb *v = verbs; v->name; v++) {
		size_t n = strlen(v->operands);

		strbuf_printf(out, "  %s%s%s", v->name, n > 0 ? " " : "",
			v->operands);
		put_help(out, v->help, 2 + strlen(v->name) + (n > 0 ? n + 1 :
			0), 2 + width);
	}
}

void
args_help(const struct arg_program *p, const struct arg_verb *verb,
	struct strbuf *out)
{
	size_t width = 0;

	widest(p->rows, &width);
	if (verb) {
		widest(verb->rows, &width);
		strbuf_printf(out, "usage: %s %s%s%s [options]\n%s\n", p->name,
			verb->name, *verb->operands ? " " : "", verb->operands,
			verb->help);
		if (verb->rows) {
			strbuf_puts(out, "\nOptions:\n");
			put_rows(out, verb->rows, width);
		}
		strbuf_puts(out, "\nOptions of all commands:\n");
		put_rows(out, p->rows, width);
		return;
	}
	strbuf_printf(out, "usage: %s%s [options]\n%s\n", p->name,
		p->verbs ? " COMMAND" : "", p->help);
	if (p->verbs)
		put_verbs(out, p->verbs);
	strbuf_puts(out, "\nOptions:\n");
	put_rows(out, p->rows, width);
}

/* ---- the manual page ---- */

/* Text for troff: no backslash is its own, no line begins with . or '. */
static void
put_troff(struct strbuf *out, const char *text, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (first && (c == '.' || c == '\''))
			strbuf_puts(out, "\\&");
		if (c == '\\')
			strbuf_puts(out, "\\e");
		else if (c == '-')
			strbuf_puts(out, "\\-");
		else
			strbuf_putc(out, c);
		first = c == '\n';
	}
}

static void
put_text(struct strbuf *out, const char *text)
{
	put_troff(out, text, strlen(text));
}

/* Paragraphs; one with a tab is a term and what it means. */
static void
put_paragraphs(struct strbuf *out, const char *text)
{
	bool first = true;

	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t n = end ? (size_t)(end - text) : strlen(text);
		const char *tab = memchr(text, '\t', n);

		if (tab) {
			strbuf_puts(out, ".TP\n.B ");
			put_troff(out, text, (size_t)(tab - text));
			strbuf_putc(out, '\n');
			put_troff(out, tab + 1, n - (size_t)(tab + 1 - text));
		} else {
			if (!first)
				strbuf_puts(out, ".PP\n");
			put_troff(out, text, n);
		}
		strbuf_putc(out, '\n');
		text += n + (end ? 2 : 0);
		first = false;
	}
}

static void
put_man_rows(struct strbuf *out, const struct arg *rows)
{
	for (const struct arg *row = rows; row && row->name; row++) {
		strbuf_puts(out, ".TP\n.B \\-\\-");
		put_text(out, row->name);
		if (row->value)
			strbuf_printf(out, " \\fI%s\\fP", row->value);
		strbuf_putc(out, '\n');
		put_text(out, row->help);
		if (row->dflt) {
			strbuf_puts(out, " (default: ");
			put_text(out, row->dflt);
			strbuf_putc(out, ')');
		}
		strbuf_puts(out, ".\n");
	}
}

static void
put_upper(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '-')
			strbuf_puts(out, "\\-");
		else
			strbuf_putc(out, *s >= 'a' && *s <= 'z' ?
				(char)(*s - 'a' + 'A') : *s);
	}
}

static void
put_man_verbs(struct strbuf *out, const struct arg_verb *verbs)
{
	strbuf_puts(out, ".SH COMMANDS\n");
	for (const struct arg_verb *v = verbs; v->name; v++) {
		strbuf_printf(out, ".SS %s%s", v->name,
			*v->operands ? " " : "");
		put_text(out, v->operands);
		strbuf_putc(out, '\n');
		put_text(out, v->help);
		strbuf_puts(out, ".\n");
		put_man_rows(out, v->rows);
	}
}

void
args_man(const struct arg_program *p, struct strbuf *out)
{
	strbuf_puts(out, ".\\\" written from the rows of the program; "
		"do not edit\n.TH ");
	put_upper(out, p->name);
	strbuf_printf(out, " %d %s \"Tocsin %s\"\n.SH NAME\n", p->section,
		p->date, p->version);
	put_text(out, p->name);
	strbuf_puts(out, " \\- ");
	put_text(out, p->help);
	strbuf_puts(out, "\n.SH SYNOPSIS\n.B ");
	put_text(out, p->name);
	strbuf_puts(out, p->verbs ? "\n.I command\n.RI [ operand ...]\n" : "\n");
	strbuf_puts(out, ".RI [ options ]\n.SH DESCRIPTION\n");
	put_paragraphs(out, p->about);
	strbuf_puts(out, ".SH OPTIONS\n");
	put_man_rows(out, p->rows);
	if (p->verbs)
		put_man_verbs(out, p->verbs);
	for (const struct arg_section *s = p->more; s && s->title; s++) {
		strbuf_printf(out, ".SH %s\n", s->title);
		put_paragraphs(out, s->text);
	}
}

/* ---- completion ---- */

static void
put_names(struct strbuf *out, const struct arg *rows)
{
	for (const struct arg *row = rows; row && row->name; row++)
		strbuf_printf(out, " --%s", row->name);
}

void
args_completion(const struct arg_program *p, struct strbuf *out)
{
	char function[64] = "_";

	/* each program's own: they may be loaded side by side */
	strncat(function, p->name, sizeof(function) - 2);
	for (char *c = function; *c; c++)
		*c = *c == '-' ? '_' : *c;
	strbuf_printf(out, "# bash completion for %s; written from its rows\n"
		"%s()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} words verb=\n"
		"\tlocal i\n\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tcase ${COMP_WORDS[i]} in\n", p->name, function);
	for (const struct arg_verb *v = p->verbs; v && v->name; v++)
		strbuf_printf(out, "\t\t%s) verb=%s; break ;;\n", v->name,
			v->name);
	strbuf_puts(out, "\t\tesac\n\tdone\n\twords=\"");
	put_names(out, p->rows);
	strbuf_puts(out, "\"\n\tcase $verb in\n\t'') words+=\"");
	for (const struct arg_verb *v = p->verbs; v && v->name; v++)
		strbuf_printf(out, " %s", v->name);
	strbuf_puts(out, "\" ;;\n");
	for (const struct arg_verb *v = p->verbs; v && v->name; v++) {
		if (!v->rows)
			continue;
		strbuf_printf(out, "\t%s) words+=\"", v->name);
		put_names(out, v->rows);
		strbuf_puts(out, "\" ;;\n");
	}
	strbuf_printf(out, "\tesac\n"
		"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		"\tif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --*-file || \\\n"
		"\t    ${COMP_WORDS[COMP_CWORD - 1]} == --*-dir ]]; then\n"
		"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		"\tfi\n}\n"
		"complete -o filenames -F %s %s\n", function, p->name);
}

/* ---- what was asked for ---- */

bool
args_asks_any(const struct arg_asks *asks)
{
	return asks->help || asks->version || asks->man || asks->completion;
}

void
args_answer(const struct arg_program *p, const struct arg_verb *verb,
	const struct arg_asks *asks, struct strbuf *out)
{
	if (asks->version)
		strbuf_printf(out, "%s %s\n", p->name, p->version);
	else if (asks->man)
		args_man(p, out);
	else if (asks->completion)
		args_completion(p, out);
	else
		args_help(p, verb, out);
}

int
args_print(const struct arg_program *p, const struct arg_asks *asks, FILE *to)
{
	struct strbuf out = { 0 };
	bool ok;

	args_answer(p, NULL, asks, &out);
	ok = !out.failed && fwrite(out.p, 1, out.n, to) == out.n &&
		fflush(to) == 0;
	strbuf_free(&out);
	return ok ? 0 : 1;
}
