-- The registry's metadata. The bytes of archives are blobs, by their hash. A row exists only for blobs that are complete.
PRAGMA user_version = 2;

-- A stored archive: what a client PUT at nar/NAME, hashed while it arrived.
CREATE TABLE nars (
  name        TEXT PRIMARY KEY,            -- what stands behind /nar/ in URLs, as the client chose it
  file_hash   TEXT NOT NULL,               -- sha256:NIX32 of the file as stored: the blob
  file_size   INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- A store path that can be fetched; text is served as it is.
CREATE TABLE narinfos (
  digest      TEXT PRIMARY KEY,            -- 32 nix32 digits
  path_name   TEXT NOT NULL,               -- the store path's name
  nar         TEXT NOT NULL REFERENCES nars (name),
  nar_size    INTEGER NOT NULL,
  text        TEXT NOT NULL,
  added_unix_s INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX narinfos_by_name ON narinfos (path_name);

-- Build logs and NAR listings: small texts by their URL path.
CREATE TABLE texts (
  url         TEXT PRIMARY KEY,
  body        TEXT NOT NULL
) WITHOUT ROWID, STRICT;
