-- Times of detection and repair are read from the moves of units alone.
CREATE INDEX event_moves ON event(at_ms) WHERE kind IN ('host.state',
	'vm.state', 'role.state', 'host.retired', 'vm.retired', 'role.retired',
	'alert.firing', 'alert.resolved');

PRAGMA user_version = 6;
