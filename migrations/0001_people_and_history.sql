-- People and history. Losing this file loses no VServer: their truth is the config tree, the
-- engine's own files and the kernel.
--
-- Instants are milliseconds since the Unix epoch, UTC. Truth values are 0 and 1.

-- Who may log in. Rows are never deleted, so that history keeps its names; AUTOINCREMENT gives no
-- id twice in any case.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- A PHC string: the hash with its algorithm, costs and salt.
    password_hash TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    created_at INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;

-- Sessions of browsers, logged in or not.
CREATE TABLE sessions (
    -- The SHA-256 of the session's id, in hexadecimal digits: who reads this file has no session.
    key TEXT PRIMARY KEY,
    user_id INTEGER REFERENCES users (id),
    -- Opaque here.
    data BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Failed log-ins, one row each, for the lock-out.
CREATE TABLE failed_logins (
    -- Whose they were: `user:NAME` or `peer:ADDRESS`.
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX failed_logins_by_subject ON failed_logins (subject, at);
CREATE INDEX failed_logins_by_time ON failed_logins (at);

-- Tokens of set-up links. Each makes the first administrator; all are useless once there is one.
CREATE TABLE setup_tokens (
    -- The SHA-256 of the token, in hexadecimal digits.
    hash TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

-- Copies of the engine's operations, kept when the engine has forgotten them.
CREATE TABLE operations (
    -- A ULID: sorts by the time the operation was asked for.
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- 0 waits, 1 runs, 2 has ended. It only ever grows.
    phase INTEGER NOT NULL CHECK (phase IN (0, 1, 2)),
    -- Target, actor's name and command in small letters, a line each.
    searched TEXT NOT NULL,
    -- The whole operation.
    json TEXT NOT NULL
) STRICT;
CREATE INDEX operations_by_target ON operations (target, id);
CREATE INDEX operations_by_kind ON operations (kind, id);
CREATE INDEX operations_unfinished ON operations (id) WHERE phase < 2;

-- Their logs, in pieces that end where a line ends, so that every line is whole in one piece and a
-- search finds what it holds. Only the last piece grows.
CREATE TABLE operation_log_pieces (
    operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    -- Where the piece begins in the log, and its length.
    first_byte INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- The text in small letters.
    searched TEXT NOT NULL,
    PRIMARY KEY (operation_id, first_byte)
) STRICT;
