-- Risk: rules and lists that staff edit, what is counted for them, what they found.

-- One rule. `mode`: off, shadow (it is noted and decides nothing), on, or put away.
CREATE TABLE risk_rules (
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    verdict text NOT NULL,
    score int NOT NULL,
    mode text NOT NULL,
    direction text,
    store_id uuid,
    terms jsonb NOT NULL,
    changed_name text NOT NULL,
    mode_since timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_risk_rules PRIMARY KEY (id),
    CONSTRAINT ck_risk_rules_verdict CHECK (verdict IN ('allow', 'review', 'deny')),
    CONSTRAINT ck_risk_rules_mode CHECK (mode IN ('off', 'shadow', 'on', 'archived')),
    CONSTRAINT ck_risk_rules_direction CHECK (direction IN ('payin', 'payout')),
    CONSTRAINT ck_risk_rules_score CHECK (score BETWEEN 0 AND 100)
);

-- One entry of a list: a network, a customer, a destination or a person's name. Of a class: the customer is judged as
-- one with so many completed orders.
CREATE TABLE risk_entries (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    verdict text NOT NULL,
    kind text NOT NULL,
    shown text NOT NULL,
    network cidr,
    value_sealed bytea,
    store_id uuid,
    completed int,
    reason text NOT NULL,
    expires_at timestamptz,
    waits boolean NOT NULL,
    added_by uuid,
    added_name text NOT NULL,
    removed_at timestamptz,
    removed_name text,
    CONSTRAINT pk_risk_entries PRIMARY KEY (id),
    CONSTRAINT ck_risk_entries_verdict CHECK (verdict IN ('allow', 'deny', 'class')),
    CONSTRAINT ck_risk_entries_class CHECK (
        (verdict = 'class') = (completed IS NOT NULL) AND (verdict <> 'class' OR kind = 'customer')),
    CONSTRAINT ck_risk_entries_kind CHECK (kind IN ('network', 'customer', 'destination', 'holder')),
    CONSTRAINT ck_risk_entries_value CHECK ((kind = 'network') = (network IS NOT NULL)),
    CONSTRAINT ck_risk_entries_sealed CHECK ((network IS NULL) = (value_sealed IS NOT NULL)),
    CONSTRAINT ck_risk_entries_removed CHECK ((removed_at IS NULL) = (removed_name IS NULL))
);
CREATE INDEX ix_risk_entries_created_at ON risk_entries (created_at, id);
CREATE INDEX ix_risk_entries_network
    ON risk_entries USING gist (network inet_ops) WHERE removed_at IS NULL AND network IS NOT NULL;

-- How an entry that is no network is compared: a keyed print of each spelling of a customer, a number, a name.
CREATE TABLE risk_prints (
    print bytea NOT NULL,
    entry_id uuid NOT NULL,
    CONSTRAINT pk_risk_prints PRIMARY KEY (print, entry_id),
    CONSTRAINT fk_risk_prints_entry_id FOREIGN KEY (entry_id) REFERENCES risk_entries (id)
);
REVOKE DELETE, TRUNCATE ON risk_rules, risk_entries, risk_prints FROM quittance_app;

-- Orders of one customer, address, … in one minute or hour: kept while a rule may ask for it, then swept.
CREATE TABLE risk_counters (
    key bytea NOT NULL,
    bucket timestamptz NOT NULL,
    currency text NOT NULL,
    count int NOT NULL,
    minor numeric(30) NOT NULL,
    until timestamptz NOT NULL,
    CONSTRAINT pk_risk_counters PRIMARY KEY (key, bucket, currency)
) WITH (fillfactor = 80);
CREATE INDEX ix_risk_counters_until ON risk_counters (until);

-- A rule or an entry that fired on an order at a moment. Never changed.
CREATE TABLE risk_hits (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    order_id uuid NOT NULL,
    source_id uuid NOT NULL,
    moment text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    verdict text NOT NULL,
    score int NOT NULL,
    shadow boolean NOT NULL,
    beaten boolean NOT NULL,
    what jsonb NOT NULL,
    CONSTRAINT pk_risk_hits PRIMARY KEY (id)
);
CREATE INDEX ix_risk_hits_order ON risk_hits (order_id, created_at);
CREATE INDEX ix_risk_hits_source ON risk_hits (source_id, created_at);
REVOKE UPDATE, DELETE, TRUNCATE ON risk_hits FROM quittance_app;

-- An order that waits for a person's decision before it is matched, or waited for one.
CREATE TABLE risk_reviews (
    order_id uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    score int NOT NULL,
    decision text,
    decided_at timestamptz,
    decided_name text,
    reason text,
    CONSTRAINT pk_risk_reviews PRIMARY KEY (order_id),
    CONSTRAINT ck_risk_reviews_decision CHECK (decision IN ('release', 'refuse', 'ended')),
    CONSTRAINT ck_risk_reviews_decided CHECK ((decided_at IS NULL) = (decision IS NULL))
);
CREATE INDEX ix_risk_reviews_open ON risk_reviews (opened_at) WHERE decided_at IS NULL;
REVOKE DELETE, TRUNCATE ON risk_reviews FROM quittance_app;

-- A rule put to past orders: what it would have done, had it been on.
CREATE TABLE risk_replays (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    asked_name text NOT NULL,
    rule_id uuid NOT NULL,
    terms jsonb NOT NULL,
    days int NOT NULL,
    done_at timestamptz,
    looked bigint NOT NULL,
    since timestamptz,
    found jsonb NOT NULL,
    CONSTRAINT pk_risk_replays PRIMARY KEY (id),
    CONSTRAINT fk_risk_replays_rule_id FOREIGN KEY (rule_id) REFERENCES risk_rules (id)
);
CREATE INDEX ix_risk_replays_rule_id ON risk_replays (rule_id, created_at);
