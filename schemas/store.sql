-- The metadata of a local store: what is valid, what refers to what, who vouches for it, what running processes need.
-- Embedded into store/local at build time. Paths are base names «DIGEST-NAME»; hashes are «sha256:NIX32».
-- A change of this file is a new user_version and a migration in store/local/database.cpp.
PRAGMA user_version = 1;

CREATE TABLE valid_paths (
  id              INTEGER PRIMARY KEY,
  path            TEXT NOT NULL UNIQUE,
  nar_hash        TEXT NOT NULL,
  nar_size        INTEGER NOT NULL CHECK (nar_size > 0),
  registered_at   INTEGER NOT NULL,          -- Unix time in seconds
  deriver         TEXT,                      -- the .drv's base name; it need not be valid
  content_address TEXT NOT NULL DEFAULT ''
) STRICT;

-- A reference cannot be deleted before its referrers; a path's own references go with it.
CREATE TABLE refs (
  referrer  INTEGER NOT NULL REFERENCES valid_paths (id) ON DELETE CASCADE,
  reference INTEGER NOT NULL REFERENCES valid_paths (id) ON DELETE RESTRICT,
  PRIMARY KEY (referrer, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX refs_by_reference ON refs (reference);

CREATE TABLE signatures (
  path      INTEGER NOT NULL REFERENCES valid_paths (id) ON DELETE CASCADE,
  signature TEXT NOT NULL,                   -- «NAME:BASE64»
  PRIMARY KEY (path, signature)
) STRICT, WITHOUT ROWID;

-- Registered, but perhaps not on disk yet: after a crash of the machine (another boot id) its tree must be looked at.
CREATE TABLE unsynced (
  path INTEGER PRIMARY KEY REFERENCES valid_paths (id) ON DELETE CASCADE,
  boot TEXT NOT NULL                         -- /proc/sys/kernel/random/boot_id
) STRICT;

-- What a running process needs: alive as long as var/processes/PROCESS is locked.
CREATE TABLE temporary_roots (
  process TEXT NOT NULL,
  path    TEXT NOT NULL,                     -- not necessarily valid yet
  PRIMARY KEY (process, path)
) STRICT, WITHOUT ROWID;
