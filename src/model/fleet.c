#include "model/fleet.h"

const char *
host_owner_id(enum host_owner o)
{
	switch (o) {
	case OWNER_CONFIG:
		return "config";
	case OWNER_FILE_SD:
		return "file_sd";
	case OWNER_API:
		return "api";
	case OWNER_AGENT:
		return "agent";
	}
	return "unknown";
}
