-- Gateway: what was answered under an idempotency key.

-- One key of a store: what was asked under it, and the answer, as sent.
CREATE TABLE idempotency_keys (
    store_id uuid NOT NULL,
    live boolean NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status int,
    content_type text NOT NULL,
    answer_sealed bytea,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (store_id, live, method, path, key),
    CONSTRAINT ck_idempotency_keys_answered CHECK ((status IS NULL) = (answer_sealed IS NULL)),
    CONSTRAINT fk_idempotency_keys_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
