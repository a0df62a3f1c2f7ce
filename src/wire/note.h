/*
 * What a person said, as JSON.
 */
#ifndef TOCSIN_WIRE_NOTE_H
#define TOCSIN_WIRE_NOTE_H

#include "model/note.h"
#include "wire/json_write.h"

/* Members of an open object. */
void note_add_members(struct json_write *j, const struct note *n);

#endif
