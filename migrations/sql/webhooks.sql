-- Webhooks: what was told and what was answered is only ever added to; a delivery changes and is never removed.

-- One request that was made, or refused by our own guard. Only added.
CREATE TABLE webhook_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    delivery_id uuid NOT NULL,
    number int NOT NULL,
    url text NOT NULL,
    request_head text NOT NULL,
    status int,
    ms int NOT NULL,
    error text,
    response_head text,
    response text,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_webhook_attempts_delivery_id ON webhook_attempts (delivery_id, created_at);

-- One event on its way to one endpoint, over all its attempts.
CREATE TABLE webhook_deliveries (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    event_created_at timestamptz NOT NULL,
    endpoint_id uuid NOT NULL,
    store_id uuid NOT NULL,
    live boolean NOT NULL,
    type text NOT NULL,
    state text NOT NULL,
    attempts int DEFAULT 0 NOT NULL,
    begun_at_attempt int DEFAULT 0 NOT NULL,
    begun_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    last_attempt_at timestamptz,
    response_status int,
    response_ms int,
    response_error text,
    response_head text,
    response_text text,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id, created_at),
    CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed', 'dropped'))
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_webhook_deliveries_endpoint_id ON webhook_deliveries (endpoint_id, created_at, id);
CREATE INDEX ix_webhook_deliveries_event_id ON webhook_deliveries (event_id);
CREATE INDEX ix_webhook_deliveries_store_id ON webhook_deliveries (store_id, live, created_at, id);

-- Something a store is told, with what the gateway would have shown at that step. Never changed.
CREATE TABLE webhook_events (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    store_id uuid NOT NULL,
    live boolean NOT NULL,
    type text NOT NULL,
    order_id uuid,
    version int,
    payload jsonb NOT NULL,
    CONSTRAINT pk_webhook_events PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_webhook_events_order_id ON webhook_events (order_id, created_at);
CREATE INDEX ix_webhook_events_store_id ON webhook_events (store_id, live, created_at, id);

-- An address of a store that wants to be told, or an inbox that the desk keeps itself for test orders. `types` are event types, or `*` alone for all.
CREATE TABLE webhook_endpoints (
    id uuid NOT NULL,
    store_id uuid NOT NULL,
    live boolean NOT NULL,
    kind text NOT NULL,
    url text NOT NULL,
    description text,
    types text[] NOT NULL,
    status text NOT NULL,
    with_link boolean DEFAULT true NOT NULL,
    disabled_because text,
    disabled_at timestamptz,
    notice_pending boolean DEFAULT false NOT NULL,
    secret_sealed bytea NOT NULL,
    previous_secret_sealed bytea,
    previous_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id),
    CONSTRAINT ck_webhook_endpoints_inbox CHECK (kind <> 'inbox' OR NOT live),
    CONSTRAINT ck_webhook_endpoints_kind CHECK (kind IN ('url', 'inbox')),
    CONSTRAINT ck_webhook_endpoints_status CHECK (status IN ('active', 'disabled', 'deleted')),
    CONSTRAINT ck_webhook_endpoints_types CHECK (cardinality(types) > 0),
    CONSTRAINT fk_webhook_endpoints_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
);
CREATE INDEX ix_webhook_endpoints_store_id ON webhook_endpoints (store_id, live, created_at) WHERE status <> 'deleted';

-- Everything since a moment, told once more to one endpoint: how far that is.
CREATE TABLE webhook_replays (
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    store_id uuid NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    undelivered_only boolean NOT NULL,
    state text NOT NULL,
    queued int DEFAULT 0 NOT NULL,
    reached_at timestamptz NOT NULL,
    reached_id uuid NOT NULL,
    ended_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_webhook_replays PRIMARY KEY (id),
    CONSTRAINT ck_webhook_replays_state CHECK (state IN ('running', 'done', 'bounded', 'stopped')),
    CONSTRAINT fk_webhook_replays_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id)
);
CREATE INDEX ix_webhook_replays_store_id ON webhook_replays (store_id, created_at);
CREATE INDEX ix_webhook_replays_ended_at ON webhook_replays (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX ix_webhook_replays_endpoint_id ON webhook_replays (endpoint_id, id);
CREATE UNIQUE INDEX uq_webhook_replays_running ON webhook_replays (endpoint_id) WHERE state = 'running';

REVOKE UPDATE, DELETE, TRUNCATE ON webhook_events, webhook_attempts FROM quittance_app;
REVOKE DELETE, TRUNCATE ON webhook_deliveries FROM quittance_app;
REVOKE TRUNCATE ON webhook_replays FROM quittance_app;

-- Old attempts at an inbox, where the desk has only told itself. Of what was sent to a store nothing can be taken away.
CREATE FUNCTION trim_inbox_attempts(wanted uuid, newest int) RETURNS int
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM webhook_attempts a USING webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
         WHERE d.id = wanted AND e.kind = 'inbox' AND a.delivery_id = wanted AND a.created_at >= d.created_at
           AND a.number <= d.attempts - newest RETURNING 1)
    SELECT count(*)::int FROM gone
$$;
REVOKE ALL ON FUNCTION trim_inbox_attempts(uuid, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trim_inbox_attempts(uuid, int) TO quittance_app;
