/*
 * Writes the documents that come from the option rows: "man" is
 * tocsin.yaml(5), "example" the commented example.  Built, not installed.
 */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int
main(int argc, char **argv)
{
	struct strbuf text = { 0 };
	int rc = 1;

	if (argc == 2 && strcmp(argv[1], "man") == 0)
		config_write_man(&text);
	else if (argc == 2 && strcmp(argv[1], "example") == 0)
		config_write_example(&text);
	if (text.n != 0 && !text.failed && fputs(text.p, stdout) >= 0 &&
	    fflush(stdout) == 0)
		rc = 0;
	strbuf_free(&text);
	return rc;
}
