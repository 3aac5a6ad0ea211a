-- Disputes: who objects to how an order stands, what is said, how it ended.
CREATE TABLE disputes (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    order_id uuid NOT NULL,
    store_id uuid NOT NULL,
    trader_id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    requisite_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    customer_id text,
    live boolean NOT NULL,
    reason text NOT NULL,
    opened_by text NOT NULL,
    opener_id uuid,
    opener_name text NOT NULL,
    waits_for text,
    answer_by timestamptz,
    silent text,
    unsecured boolean NOT NULL,
    outcome text,
    ground text,
    decided_name text,
    ended_at timestamptz,
    CONSTRAINT pk_disputes PRIMARY KEY (id),
    CONSTRAINT ck_disputes_opened_by CHECK (opened_by IN ('customer', 'store', 'trader', 'staff', 'system')),
    CONSTRAINT ck_disputes_waits_for CHECK (waits_for IN ('store', 'trader', 'staff')),
    CONSTRAINT ck_disputes_ended CHECK ((ended_at IS NULL) = (outcome IS NULL) AND (ended_at IS NULL) = (waits_for IS NOT NULL)),
    CONSTRAINT ck_disputes_outcome CHECK (outcome IN ('complete', 'adjust', 'cancel', 'stands', 'correct')),
    CONSTRAINT fk_disputes_order_id FOREIGN KEY (order_id) REFERENCES orders (id)
);
-- One open dispute an order.
CREATE UNIQUE INDEX uq_disputes_open ON disputes (order_id) WHERE ended_at IS NULL;
CREATE INDEX ix_disputes_order_id ON disputes (order_id, id);
CREATE INDEX ix_disputes_running_trader ON disputes (trader_id) WHERE ended_at IS NULL;
CREATE INDEX ix_disputes_running_store ON disputes (store_id) WHERE ended_at IS NULL;
CREATE INDEX ix_disputes_answer_by ON disputes (answer_by, id) WHERE ended_at IS NULL;
CREATE INDEX ix_disputes_store_id ON disputes (store_id, id);
CREATE INDEX ix_disputes_trader_id ON disputes (trader_id, id);
CREATE INDEX ix_disputes_requisite_id ON disputes (requisite_id, id);
CREATE INDEX ix_disputes_holder_id ON disputes (holder_id, id);
CREATE INDEX ix_disputes_customer ON disputes (store_id, customer_id, id) WHERE customer_id IS NOT NULL;
REVOKE DELETE, TRUNCATE ON disputes FROM quittance_app;

-- What was said stays said.
CREATE TABLE dispute_statements (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    dispute_id uuid NOT NULL,
    side text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    trader_id uuid,
    text text NOT NULL,
    staff_only boolean NOT NULL,
    shows text[] NOT NULL,
    CONSTRAINT pk_dispute_statements PRIMARY KEY (id),
    CONSTRAINT ck_dispute_statements_side CHECK (side IN ('customer', 'store', 'trader', 'staff', 'system')),
    CONSTRAINT ck_dispute_statements_staff_only CHECK (NOT staff_only OR side = 'staff'),
    CONSTRAINT ck_dispute_statements_shows CHECK (shows <@ ARRAY['receipt', 'statement', 'recipient', 'conversation']),
    CONSTRAINT fk_dispute_statements_dispute_id FOREIGN KEY (dispute_id) REFERENCES disputes (id)
);
CREATE INDEX ix_dispute_statements_dispute_id ON dispute_statements (dispute_id, id);
REVOKE UPDATE, DELETE, TRUNCATE ON dispute_statements FROM quittance_app;
