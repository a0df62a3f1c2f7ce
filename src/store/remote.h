/*
 * Is the file on another machine's disk?
 */
#ifndef TOCSIN_STORE_REMOTE_H
#define TOCSIN_STORE_REMOTE_H

/* "NFS", …; NULL = no, or it cannot be known. */
const char *remote_kind(const char *path);

#endif
