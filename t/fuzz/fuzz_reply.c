/*
 * A server's reply of any bytes, as tocsin takes and prints it: nothing in it
 * steers the terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doc.h"
#include "cli/out.h"
#include "cli/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
print(const struct doc *d, enum out_format format)
{
	static const struct column columns[] = {
		{ "key", "KEY", false, true }, { "text", "TEXT", true, false },
		{ "more", "MORE", false, false },
	};
	struct table t = { .columns = columns, .n_columns = 3 };
	struct out o = { .format = format };
	char text[128];

	for (const struct doc *m = d->first; m; m = m->next) {
		table_row(&t);
		table_set(&t, 0, m->key, NULL);
		table_set(&t, 1, m->text, NULL);
		show_because(m, 3, text, sizeof(text));
		table_set(&t, 2, text, NULL);
		show_device(m, text, sizeof(text));
		out_say(&o, "%s\n", text);
	}
	table_print(&t, &o);
	for (size_t i = 0; i < o.text.n; i++) {
		unsigned char c = (unsigned char)o.text.p[i];

		if ((c < ' ' && c != '\n') || c == 0x7f)
			abort();
	}
	table_free(&t);
	strbuf_free(&o.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct strbuf text = {0};
	struct doc *d;

	strbuf_add(&text, data, size);
	if (doc_parse(&a, &text, &d, NULL) == 0) {
		print(d, OUT_TEXT);
		print(d, OUT_KV);
	}
	strbuf_free(&text);
	arena_free(&a);
	return 0;
}
