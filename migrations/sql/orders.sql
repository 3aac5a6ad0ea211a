-- Orders: what happens to one is only ever added to, and so are the looks for a requisite.

-- One look for a requisite: how many candidates were left after each filter, in order.
CREATE TABLE match_tries (
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    order_id uuid NOT NULL,
    number int NOT NULL,
    outcome text NOT NULL,
    assignment_id uuid,
    funnel jsonb NOT NULL,
    fell_out text[] NOT NULL,
    CONSTRAINT pk_match_tries PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_match_tries_order_id ON match_tries (order_id, created_at);

-- A step an order took; the audit row of that step and, with a payload, what webhooks tell. Never changed.
CREATE TABLE order_events (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    transaction_id bigint DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    order_id uuid NOT NULL,
    version int NOT NULL,
    type text NOT NULL,
    action text,
    from_status text,
    to_status text NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    role text,
    address inet,
    request_id text,
    reason text,
    details jsonb NOT NULL,
    payload jsonb,
    CONSTRAINT pk_order_events PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_order_events_order_id ON order_events (order_id, version);

-- What became of a trader's orders on one of the operator's days, by currency; counted as it happens.
CREATE TABLE trader_days (
    trader_id uuid NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    confirmed int DEFAULT 0 NOT NULL,
    confirmed_minor bigint DEFAULT 0 NOT NULL,
    lost int DEFAULT 0 NOT NULL,
    CONSTRAINT pk_trader_days PRIMARY KEY (trader_id, day, currency),
    CONSTRAINT fk_trader_days_trader_id FOREIGN KEY (trader_id) REFERENCES traders (id)
);

-- One payin or payout that a store asked for.
CREATE TABLE orders (
    id uuid NOT NULL,
    direction text NOT NULL,
    live boolean NOT NULL,
    store_id uuid NOT NULL,
    external_id text NOT NULL,
    idempotency_key text NOT NULL,
    request_hash bytea NOT NULL,
    status text NOT NULL,
    version int NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    amount_to_pay_minor bigint NOT NULL,
    amount_received_minor bigint,
    exactness text,
    late boolean NOT NULL,
    method text NOT NULL,
    bank text,
    customer_id text,
    customer_name text,
    customer_ip inet,
    description text,
    return_url text,
    meta jsonb NOT NULL,
    destination_sealed bytea,
    destination_mask text,
    destination_fingerprint bytea,
    recipient_sealed bytea,
    settlement_currency text NOT NULL,
    settlement_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    rate numeric(30, 12) NOT NULL,
    rate_at timestamptz NOT NULL,
    rate_id uuid NOT NULL,
    tariff_id uuid NOT NULL,
    final_settlement_minor bigint,
    final_fee_minor bigint,
    final_reward_minor bigint,
    created_at timestamptz NOT NULL,
    match_by timestamptz NOT NULL,
    next_attempt_at timestamptz,
    assigned_at timestamptz,
    accepted_at timestamptz,
    expires_at timestamptz,
    paid_at timestamptz,
    confirm_by timestamptz,
    needs_attention_at timestamptz,
    confirmed_at timestamptz,
    completed_at timestamptz,
    ended_at timestamptz,
    failure_code text,
    assignment_id uuid,
    tries int NOT NULL,
    steps jsonb NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (id),
    CONSTRAINT uq_orders_external_id UNIQUE (store_id, live, external_id),
    CONSTRAINT uq_orders_idempotency_key UNIQUE (store_id, live, direction, idempotency_key),
    CONSTRAINT ck_orders_direction CHECK (direction IN ('payin', 'payout')),
    CONSTRAINT ck_orders_amounts CHECK (amount_minor > 0 AND amount_to_pay_minor > 0 AND settlement_minor > 0),
    CONSTRAINT ck_orders_destination CHECK (
        (direction = 'payout') = (destination_sealed IS NOT NULL) AND num_nonnulls(destination_sealed,
        destination_mask, destination_fingerprint) IN (0, 3)),
    CONSTRAINT ck_orders_fee CHECK (fee_minor >= 0 AND fee_minor <= settlement_minor),
    CONSTRAINT ck_orders_final_amounts CHECK (
        num_nonnulls(final_settlement_minor, final_fee_minor, final_reward_minor) IN (0, 3) AND
        final_settlement_minor > 0 AND final_reward_minor >= 0 AND final_fee_minor BETWEEN 0 AND
        final_settlement_minor),
    CONSTRAINT fk_orders_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
) WITH (fillfactor = 75);
CREATE INDEX ix_orders_amount ON orders (amount_minor, created_at);
CREATE INDEX ix_orders_created_at_id ON orders (created_at, id);
CREATE INDEX ix_orders_customer ON orders (store_id, customer_id, created_at);
CREATE INDEX ix_orders_customer_folded
    ON orders (store_id, replace(translate(lower(customer_name), 'ё’‘ʼʻ`´′‐‑‒–—−', 'е''''''''''''''------'), 'ß', 'ss') text_pattern_ops)
    WHERE customer_name IS NOT NULL;
CREATE INDEX ix_orders_customer_ip ON orders (customer_ip, created_at) WHERE customer_ip IS NOT NULL;
CREATE INDEX ix_orders_destination
    ON orders (destination_fingerprint, created_at)
    WHERE destination_fingerprint IS NOT NULL;
CREATE INDEX ix_orders_external_id_folded ON orders (lower(external_id));
CREATE INDEX ix_orders_short_id ON orders (right(CAST(id AS TEXT), 8));
CREATE INDEX ix_orders_store_id_direction ON orders (store_id, live, direction, created_at, id);

-- One attempt to have an order done by one requisite; at most one open or chosen per order.
CREATE TABLE assignments (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    requisite_id uuid NOT NULL,
    trader_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    state text NOT NULL,
    end_reason text,
    amount_minor bigint NOT NULL,
    settlement_minor bigint NOT NULL,
    settlement_currency text NOT NULL,
    reward_minor bigint NOT NULL,
    reward_id uuid NOT NULL,
    counted_on date NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_assignments PRIMARY KEY (id),
    CONSTRAINT ck_assignments_state CHECK (state IN ('open', 'lingering', 'chosen', 'ended')),
    CONSTRAINT fk_assignments_order_id FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT fk_assignments_requisite_id FOREIGN KEY (requisite_id) REFERENCES requisites (id),
    CONSTRAINT fk_assignments_trader_id FOREIGN KEY (trader_id) REFERENCES traders (id)
) WITH (fillfactor = 75);
CREATE INDEX ix_assignments_history ON assignments (trader_id, created_at, id) INCLUDE (requisite_id, amount_minor);
CREATE INDEX ix_assignments_order_id ON assignments (order_id);
CREATE UNIQUE INDEX uq_assignments_current ON assignments (order_id) WHERE state IN ('open', 'chosen');

-- An amount that rests on a requisite: its order ended without money, and the payer may still send it.
CREATE TABLE kept_amounts (
    requisite_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    assignment_id uuid NOT NULL,
    until timestamptz NOT NULL,
    store_id uuid,
    payer text,
    CONSTRAINT pk_kept_amounts PRIMARY KEY (requisite_id, amount_minor, assignment_id),
    CONSTRAINT fk_kept_amounts_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id)
);
CREATE INDEX ix_kept_amounts_amount ON kept_amounts (amount_minor, requisite_id, until);
CREATE INDEX ix_kept_amounts_payer ON kept_amounts (store_id, payer, until);
CREATE INDEX ix_kept_amounts_until ON kept_amounts (until);

-- An open or lingering assignment's place on its requisite: a row while slot and amount are taken.
CREATE TABLE open_places (
    assignment_id uuid NOT NULL,
    requisite_id uuid NOT NULL,
    trader_id uuid NOT NULL,
    order_id uuid NOT NULL,
    amount_minor bigint,
    CONSTRAINT pk_open_places PRIMARY KEY (assignment_id),
    CONSTRAINT uq_open_places_amount UNIQUE (requisite_id, amount_minor),
    CONSTRAINT fk_open_places_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id)
);
CREATE INDEX ix_open_places_order_id ON open_places (order_id);
CREATE INDEX ix_open_places_trader_id ON open_places (trader_id);

REVOKE UPDATE, DELETE, TRUNCATE ON order_events, match_tries FROM quittance_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON order_events FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What a direction decides, as orders/directions.py has it; a test holds them equal.
CREATE VIEW direction_rules AS SELECT * FROM (
    VALUES ('payin', true, true, 1, false), ('payout', false, false, -1, true))
    AS rules (direction, needs_collateral, one_amount, flow, accepted_first);
