-- Payouts that are not made yet, and recipients that stores have saved.

-- Payouts that a person wants sent together, from a file or, above the store's limit, one from the form.
-- checked → (waiting →) making → done; or withdrawn, refused, expired. Nothing is held before `making`.
CREATE TABLE payout_imports (
    id uuid NOT NULL,
    store_id uuid NOT NULL,
    source text NOT NULL,
    file_name text NOT NULL,
    content_print bytea NOT NULL,
    rows int NOT NULL,
    wrong int NOT NULL,
    made int NOT NULL,
    failed int NOT NULL,
    state text NOT NULL,
    created_by uuid,
    created_name text NOT NULL,
    created_at timestamptz NOT NULL,
    sent_by uuid,
    sent_name text,
    sent_at timestamptz,
    total_minor bigint,
    before_minor bigint,
    because text,
    expires_at timestamptz,
    decided_by uuid,
    decided_name text,
    decided_at timestamptz,
    reason text,
    held_up text,
    ended_at timestamptz,
    forgotten boolean NOT NULL,
    CONSTRAINT pk_payout_imports PRIMARY KEY (id),
    CONSTRAINT ck_payout_imports_state CHECK (
        state IN ('checked', 'waiting', 'making', 'done', 'withdrawn', 'refused', 'expired')),
    CONSTRAINT ck_payout_imports_source CHECK (source IN ('file', 'form')),
    CONSTRAINT ck_payout_imports_two_people CHECK (decided_by <> sent_by),
    CONSTRAINT ck_payout_imports_because CHECK (because IN ('person', 'subject')),
    CONSTRAINT ck_payout_imports_counted CHECK (made + failed + wrong <= rows),
    CONSTRAINT fk_payout_imports_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
);
CREATE INDEX ix_payout_imports_store_id ON payout_imports (store_id, id);
CREATE INDEX ix_payout_imports_content ON payout_imports (store_id, content_print);
CREATE INDEX ix_payout_imports_under_way ON payout_imports (store_id, id) WHERE state IN ('waiting', 'making');
CREATE INDEX ix_payout_imports_kept ON payout_imports (created_at) WHERE NOT forgotten;

-- One payout of an import. `cells_sealed`: as it was typed, with its store's key; gone once it is made.
CREATE TABLE payout_import_rows (
    import_id uuid NOT NULL,
    number int NOT NULL,
    state text NOT NULL,
    external_id text NOT NULL,
    currency text,
    amount_minor bigint,
    method text,
    mask text NOT NULL,
    cells_sealed bytea,
    wrong jsonb NOT NULL,
    order_id uuid,
    CONSTRAINT pk_payout_import_rows PRIMARY KEY (import_id, number),
    CONSTRAINT ck_payout_import_rows_state CHECK (state IN ('right', 'wrong', 'made', 'failed')),
    CONSTRAINT ck_payout_import_rows_order CHECK ((state = 'made') = (order_id IS NOT NULL)),
    CONSTRAINT fk_payout_import_rows_import_id FOREIGN KEY (import_id) REFERENCES payout_imports (id)
);
CREATE INDEX ix_payout_import_rows_right ON payout_import_rows (import_id, number) WHERE state = 'right';
CREATE INDEX ix_payout_import_rows_bad ON payout_import_rows (import_id, number) WHERE state IN ('wrong', 'failed');

-- Somebody a store pays again and again; number and names sealed with the store's key.
CREATE TABLE payout_recipients (
    id uuid NOT NULL,
    store_id uuid NOT NULL,
    name_sealed bytea NOT NULL,
    holder_sealed bytea,
    currency text NOT NULL,
    method text NOT NULL,
    bank text,
    number_sealed bytea NOT NULL,
    number_mask text NOT NULL,
    number_fingerprint bytea NOT NULL,
    created_name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_payout_recipients PRIMARY KEY (id),
    CONSTRAINT uq_payout_recipients_store_id_number_fingerprint_method UNIQUE (store_id, number_fingerprint, method),
    CONSTRAINT fk_payout_recipients_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
);
