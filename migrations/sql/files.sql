-- Files: receipts and documents; their bytes lie in a store.

-- One upload. A draft belongs to who brought it until an act attaches it to its subject, for good.
CREATE TABLE files (
    id uuid NOT NULL,
    uploader text NOT NULL,
    name text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    content_hash bytea NOT NULL,
    kept_hash bytea NOT NULL,
    picture_hash bigint,
    picture_parts int[],
    storage_key text NOT NULL,
    subject_kind text,
    subject_id uuid,
    created_at timestamptz NOT NULL,
    attached_at timestamptz,
    CONSTRAINT pk_files PRIMARY KEY (id),
    CONSTRAINT ck_files_attached CHECK ((subject_id IS NULL) = (attached_at IS NULL)),
    CONSTRAINT ck_files_size CHECK (size_bytes > 0)
);
CREATE INDEX ix_files_content_hash ON files (content_hash);
CREATE INDEX ix_files_drafts ON files (created_at) WHERE attached_at IS NULL;
CREATE INDEX ix_files_kept_hash ON files (kept_hash);
CREATE INDEX ix_files_picture_parts ON files USING gin (picture_parts);
CREATE UNIQUE INDEX ix_files_storage_key ON files (storage_key);
CREATE INDEX ix_files_subject ON files (subject_kind, subject_id);
