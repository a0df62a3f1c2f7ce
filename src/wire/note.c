#include "wire/note.h"

void
note_add_members(struct json_write *j, const struct note *n)
{
	json_add_u64(j, "id", n->id);
	json_add_str(j, "kind", n->ack ? "ack" : "comment");
	json_add_str(j, n->of_host ? "host" : "alert_key", n->of);
	json_add_wall(j, "at", n->at);
	if (n->until.ms != 0)
		json_add_wall(j, "until", n->until);
	json_add_str(j, "by", n->by);
	json_add_str(j, "person", n->person);
	json_add_str(j, "text", n->text);
}
