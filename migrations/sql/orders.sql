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
CREATE INDEX ix_order_events_transaction ON order_events USING brin (transaction_id) WITH (pages_per_range=16, autosummarize='on');

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
    judged_at timestamptz,
    next_attempt_at timestamptz,
    assigned_at timestamptz,
    accepted_at timestamptz,
    expires_at timestamptz,
    paid_at timestamptz,
    confirm_by timestamptz,
    needs_attention_at timestamptz,
    waits_for text,
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
        final_settlement_minor >= 0 AND final_reward_minor >= 0 AND final_fee_minor BETWEEN 0 AND
        final_settlement_minor),
    CONSTRAINT fk_orders_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
) WITH (fillfactor = 75);
CREATE INDEX ix_orders_amount ON orders (amount_minor, created_at);
CREATE INDEX ix_orders_varied ON orders (amount_to_pay_minor, created_at) WHERE amount_to_pay_minor <> amount_minor;
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

-- How one correction changed a completed order's final amounts: new minus old. The id is the approval's.
CREATE TABLE settle_corrections (
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    received_minor bigint NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    reward_minor bigint NOT NULL,
    CONSTRAINT pk_settle_corrections PRIMARY KEY (id),
    CONSTRAINT fk_settle_corrections_id_approvals FOREIGN KEY (id) REFERENCES approvals (id),
    CONSTRAINT fk_settle_corrections_order_id_orders FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX ix_settle_corrections_order_id ON settle_corrections (order_id);
REVOKE UPDATE, DELETE, TRUNCATE ON settle_corrections FROM quittance_app;

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
    store_id uuid,
    bank text,
    currency text,
    to_pay_minor bigint DEFAULT 0 NOT NULL,
    settlement_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT pk_open_places PRIMARY KEY (assignment_id),
    CONSTRAINT uq_open_places_amount UNIQUE (requisite_id, amount_minor),
    CONSTRAINT fk_open_places_assignment_id FOREIGN KEY (assignment_id) REFERENCES assignments (id)
);
CREATE INDEX ix_open_places_order_id ON open_places (order_id);
CREATE INDEX ix_open_places_trader_id ON open_places (trader_id);
CREATE INDEX ix_open_places_bank ON open_places (bank, currency) INCLUDE (to_pay_minor) WHERE bank IS NOT NULL;
CREATE INDEX ix_open_places_store ON open_places (store_id) INCLUDE (settlement_minor) WHERE store_id IS NOT NULL;

-- Why an order needs staff, a row for each reason; gone once that is over. The audit keeps what was.
CREATE TABLE attention_cases (
    order_id uuid NOT NULL,
    why text NOT NULL,
    since timestamptz NOT NULL,
    CONSTRAINT pk_attention_cases PRIMARY KEY (order_id, why),
    CONSTRAINT ck_attention_cases_why CHECK (why IN ('unconfirmed', 'suspected', 'other_amount', 'frozen',
                                                     'receipt_seen', 'silent', 'unsecured', 'beside', 'paid_twice')),
    CONSTRAINT fk_attention_cases_order_id FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX ix_attention_cases_since ON attention_cases (since, order_id, why);

REVOKE UPDATE, DELETE, TRUNCATE ON order_events, match_tries FROM quittance_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON order_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON order_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a direction decides, as orders/directions.py has it; a test holds them equal.
CREATE VIEW direction_rules AS SELECT * FROM (
    VALUES ('payin', true, true, 1, false), ('payout', false, false, -1, true))
    AS rules (direction, needs_collateral, one_amount, flow, accepted_first);

-- What comes free to a store on one of the operator's days, all orders together.
CREATE TABLE reserves (
    id uuid NOT NULL,
    store_id uuid NOT NULL,
    currency text NOT NULL,
    live boolean NOT NULL,
    free_on date NOT NULL,
    reserved_minor bigint NOT NULL,
    delayed_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    released_at timestamptz,
    CONSTRAINT pk_reserves PRIMARY KEY (id),
    CONSTRAINT ck_reserves_amounts CHECK (
        reserved_minor >= 0 AND delayed_minor >= 0 AND reserved_minor + delayed_minor > 0),
    CONSTRAINT fk_reserves_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
);
CREATE INDEX ix_reserves_due ON reserves (free_on) WHERE released_at IS NULL;
CREATE UNIQUE INDEX uq_reserves_open ON reserves (store_id, currency, live, free_on) WHERE released_at IS NULL;
REVOKE DELETE, TRUNCATE ON reserves FROM quittance_app;

-- It only grows until it is free, and is freed once, whole.
CREATE FUNCTION guard_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.released_at IS NOT NULL THEN
        RAISE EXCEPTION 'a reserve is freed once and never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.store_id, NEW.currency, NEW.live, NEW.free_on, NEW.created_at) IS DISTINCT FROM
          (OLD.id, OLD.store_id, OLD.currency, OLD.live, OLD.free_on, OLD.created_at)
          OR NEW.reserved_minor < OLD.reserved_minor OR NEW.delayed_minor < OLD.delayed_minor THEN
        RAISE EXCEPTION 'whose reserve it is and when it comes free never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_reserve BEFORE UPDATE OR DELETE ON reserves FOR EACH ROW EXECUTE FUNCTION guard_reserve();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON reserves FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was asked for, by the hour, and the sizes that nobody could take.
CREATE TABLE demand_hours (
    hour timestamptz NOT NULL,
    direction text NOT NULL,
    currency text NOT NULL,
    method text NOT NULL,
    band int NOT NULL,
    bank text NOT NULL,
    asked int NOT NULL,
    served int NOT NULL,
    asked_minor bigint NOT NULL,
    CONSTRAINT pk_demand_hours PRIMARY KEY (hour, direction, currency, method, band, bank)
);
CREATE TABLE coverage_holes (
    id uuid NOT NULL,
    direction text NOT NULL,
    currency text NOT NULL,
    method text NOT NULL,
    band int NOT NULL,
    expected int NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_coverage_holes PRIMARY KEY (id),
    CONSTRAINT ck_coverage_holes_range CHECK (ended_at >= began_at)
);
CREATE UNIQUE INDEX uq_coverage_holes_open ON coverage_holes (direction, currency, method, band) WHERE ended_at IS NULL;
CREATE INDEX ix_coverage_holes_began_at ON coverage_holes (began_at);
