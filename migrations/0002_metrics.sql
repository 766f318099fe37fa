-- What was measured of VServers and of the host, added up: a ring of slots for each series and tier, so that
-- none ever takes more than its slots. Times are milliseconds since 1970, UTC.

CREATE TABLE metric_series (
    id INTEGER PRIMARY KEY,
    -- The name of the VServer; empty for the host.
    vserver TEXT NOT NULL UNIQUE,
    -- Since when there is no such VServer, neither here nor in the recycle bin.
    missing_since INTEGER
) STRICT;

CREATE TABLE metric_slots (
    series_id INTEGER NOT NULL REFERENCES metric_series (id) ON DELETE CASCADE,
    -- 0 seconds, 1 minutes, 2 hours, 3 days.
    tier INTEGER NOT NULL CHECK (tier BETWEEN 0 AND 3),
    -- Where in the ring.
    place INTEGER NOT NULL,
    begins_at INTEGER NOT NULL,
    -- A sum for each metric, in postcard's format.
    numbers BLOB NOT NULL,
    PRIMARY KEY (series_id, tier, place)
) STRICT, WITHOUT ROWID;

-- Until when the slots of a tier were made of those of the tier below.
CREATE TABLE metric_tiers (
    tier INTEGER PRIMARY KEY,
    made_until INTEGER NOT NULL
) STRICT;
