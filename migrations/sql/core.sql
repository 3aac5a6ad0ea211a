-- Core: jobs and their doers, audit, idempotency.

-- One act by anyone. Secrets and full numbers never stand in `before` and `after`.
CREATE TABLE audit_rows (
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    transaction_id bigint DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    role text,
    address inet,
    request_id text,
    action text NOT NULL,
    target_kind text NOT NULL,
    target_id text NOT NULL,
    before jsonb,
    after jsonb,
    reason text,
    CONSTRAINT pk_audit_rows PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_audit_rows_action ON audit_rows (action, created_at, id);
CREATE INDEX ix_audit_rows_actor ON audit_rows (actor_name, created_at, id);
CREATE INDEX ix_audit_rows_created_at_id ON audit_rows (created_at, id);
CREATE INDEX ix_audit_rows_target ON audit_rows (target_kind, target_id, created_at);
CREATE INDEX ix_audit_rows_transaction ON audit_rows USING brin (transaction_id) WITH (pages_per_range=16, autosummarize='on');

-- Transactions from `from_transaction` to below `until_transaction`. Rows are only ever added.
CREATE TABLE audit_seals (
    number bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    from_transaction bigint NOT NULL,
    until_transaction bigint NOT NULL,
    rows int NOT NULL,
    root bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    entries bytea NOT NULL,
    CONSTRAINT pk_audit_seals PRIMARY KEY (number),
    CONSTRAINT ck_audit_seals_range CHECK (from_transaction < until_transaction),
    CONSTRAINT ck_audit_seals_entries CHECK (octet_length(entries) = rows * 49),
    CONSTRAINT ck_audit_seals_hashes CHECK (
        octet_length(root) = 32 AND octet_length(previous) = 32 AND octet_length(hash) = 32)
);
ALTER TABLE audit_seals ALTER entries SET STORAGE EXTERNAL; -- hashes do not compress

-- A month of history that lies in a file of the operator's; `detached_at`: since when it lies there alone. Its owner writes it.
CREATE TABLE archived_months (
    table_name text NOT NULL,
    month date NOT NULL,
    rows bigint NOT NULL,
    sha256 bytea NOT NULL,
    sum bytea,
    first_transaction bigint,
    last_transaction bigint,
    archived_at timestamptz NOT NULL,
    detached_at timestamptz,
    CONSTRAINT pk_archived_months PRIMARY KEY (table_name, month),
    CONSTRAINT ck_archived_months_sealed CHECK (num_nonnulls(sum, first_transaction, last_transaction) IN (0, 3)),
    CONSTRAINT ck_archived_months_month CHECK (extract(day FROM month) = 1)
);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON archived_months FROM quittance_app;

-- The newest slot of a recurring kind that was turned into a job, so that two dispatchers make it once.
CREATE TABLE job_slots (
    kind text NOT NULL,
    slot bigint NOT NULL,
    turned_at timestamptz,
    CONSTRAINT pk_job_slots PRIMARY KEY (kind)
);

-- One piece of work: ids only. A finished row moves to `jobs_done`, so the unique key holds among live rows.
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    reference uuid,
    unique_key text NOT NULL,
    partition text,
    run_at timestamptz NOT NULL,
    attempts int DEFAULT 0 NOT NULL,
    lost int DEFAULT 0 NOT NULL,
    lease uuid,
    leased_until timestamptz,
    dead_at timestamptz,
    last_error text,
    request_id text,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (id),
    CONSTRAINT uq_jobs_kind_unique_key UNIQUE (kind, unique_key)
) WITH (fillfactor = 70);
CREATE INDEX ix_jobs_dead ON jobs (dead_at, id) WHERE dead_at IS NOT NULL;
CREATE INDEX ix_jobs_due ON jobs (kind, run_at, id) WHERE dead_at IS NULL;
CREATE INDEX ix_jobs_partition ON jobs (partition, run_at, id) WHERE partition IS NOT NULL AND dead_at IS NULL;

-- What was done, by month; archived and detached later (flask history).
CREATE TABLE jobs_done (
    id bigint NOT NULL,
    done_at timestamptz NOT NULL,
    kind text NOT NULL,
    reference uuid,
    unique_key text NOT NULL,
    attempts int NOT NULL,
    lost int NOT NULL,
    request_id text,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_jobs_done PRIMARY KEY (id, done_at)
) PARTITION BY RANGE (done_at);
CREATE INDEX ix_jobs_done_reference ON jobs_done (reference);

REVOKE UPDATE, DELETE, TRUNCATE ON audit_rows, audit_seals FROM quittance_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_rows FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Finishing jobs refuses by itself to have lost its lease, as a violated check: the commit can be sent along without a
-- look at the answer (core.errors.judges).
CREATE FUNCTION lease_kept(kept boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT kept THEN
        RAISE EXCEPTION 'the lease ran out' USING ERRCODE = 'check_violation', CONSTRAINT = 'lease_kept';
    END IF;
    RETURN true;
END $$;
