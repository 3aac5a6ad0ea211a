-- Books: what staff put right, what merchants move between their stores; what was decided or done never changes.

-- Money that staff put right on somebody's account, positive for the owner's good; it counts once approved.
CREATE TABLE adjustments (
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    code text NOT NULL,
    status text NOT NULL,
    approval_id uuid NOT NULL,
    reason text NOT NULL,
    asked_name text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_adjustments PRIMARY KEY (id),
    CONSTRAINT uq_adjustments_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_adjustments_owner_kind CHECK (owner_kind IN ('store', 'trader', 'platform', 'world')),
    CONSTRAINT ck_adjustments_owner CHECK (
        (owner_kind IN ('platform', 'world')) = (owner_id = '00000000-0000-0000-0000-000000000000')),
    CONSTRAINT ck_adjustments_amount CHECK (amount_minor <> 0),
    CONSTRAINT ck_adjustments_status CHECK (status IN ('asked', 'posted', 'refused')),
    CONSTRAINT ck_adjustments_ended CHECK ((status = 'asked') = (ended_at IS NULL))
);
CREATE INDEX ix_adjustments_owner ON adjustments (owner_kind, owner_id, id);

-- What a merchant moved from one of its stores to another. Done at once.
CREATE TABLE transfers (
    id uuid NOT NULL,
    from_store_id uuid NOT NULL,
    to_store_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    made_name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_transfers PRIMARY KEY (id),
    CONSTRAINT ck_transfers_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_transfers_two_stores CHECK (from_store_id <> to_store_id),
    CONSTRAINT fk_transfers_from_store_id FOREIGN KEY (from_store_id) REFERENCES stores (id),
    CONSTRAINT fk_transfers_to_store_id FOREIGN KEY (to_store_id) REFERENCES stores (id)
);
CREATE INDEX ix_transfers_from_store_id ON transfers (from_store_id, id);

REVOKE DELETE, TRUNCATE ON adjustments FROM quittance_app;
REVOKE UPDATE, DELETE, TRUNCATE ON transfers FROM quittance_app;

-- Whom it is for and how much is what was approved; what was decided stays so.
CREATE FUNCTION guard_adjustment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'asked' THEN
        RAISE EXCEPTION 'an adjustment is decided once and never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.owner_kind, NEW.owner_id, NEW.currency, NEW.amount_minor, NEW.code, NEW.approval_id, NEW.reason,
           NEW.created_at) IS DISTINCT FROM
          (OLD.id, OLD.owner_kind, OLD.owner_id, OLD.currency, OLD.amount_minor, OLD.code, OLD.approval_id, OLD.reason,
           OLD.created_at) THEN
        RAISE EXCEPTION 'what an adjustment asks for never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_adjustment BEFORE UPDATE OR DELETE ON adjustments
    FOR EACH ROW EXECUTE FUNCTION guard_adjustment();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON adjustments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON transfers FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One of the operator's days, added up. Days follow each other without a gap.
CREATE TABLE result_days (
    day date NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    computed_at timestamptz NOT NULL,
    CONSTRAINT pk_result_days PRIMARY KEY (day),
    CONSTRAINT ck_result_days_time CHECK (began_at < ended_at)
);

-- What one store's orders by one trader and method brought the desk on a day, and what else was booked on its fees.
CREATE TABLE result_lines (
    day date NOT NULL,
    number int NOT NULL,
    live boolean NOT NULL,
    currency text NOT NULL,
    store_id uuid,
    trader_id uuid,
    method text,
    direction text,
    orders int NOT NULL,
    turnover_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    reward_minor bigint NOT NULL,
    other_minor bigint NOT NULL,
    CONSTRAINT pk_result_lines PRIMARY KEY (day, number),
    CONSTRAINT fk_result_lines_day FOREIGN KEY (day) REFERENCES result_days (day)
);
