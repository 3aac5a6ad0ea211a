-- Treasury: money that comes and goes; what was asked for and what was settled never changes.

-- Somebody says that money came in: its owner, with a reference and a proof, or staff. It counts once approved.
CREATE TABLE deposits (
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    network text,
    reference text,
    reference_key text,
    status text NOT NULL,
    approval_id uuid NOT NULL,
    asked_name text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_deposits PRIMARY KEY (id),
    CONSTRAINT uq_deposits_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_deposits_owner CHECK (owner_kind IN ('store', 'trader')),
    CONSTRAINT ck_deposits_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_deposits_status CHECK (status IN ('asked', 'credited', 'refused', 'retracted')),
    CONSTRAINT ck_deposits_ended CHECK ((status = 'asked') = (ended_at IS NULL))
);
CREATE INDEX ix_deposits_owner ON deposits (owner_kind, owner_id, id);
CREATE INDEX ix_deposits_reference_key ON deposits (reference_key) WHERE reference_key IS NOT NULL;
CREATE INDEX ix_deposits_status_id ON deposits (status, id);

-- Where an owner's money may go: one line of their address book. Another address is another line.
CREATE TABLE withdrawal_addresses (
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    currency text NOT NULL,
    network text NOT NULL,
    label text NOT NULL,
    address_sealed bytea NOT NULL,
    mask text NOT NULL,
    fingerprint bytea NOT NULL,
    status text NOT NULL,
    asked_name text NOT NULL,
    created_at timestamptz NOT NULL,
    usable_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT pk_withdrawal_addresses PRIMARY KEY (id),
    CONSTRAINT ck_withdrawal_addresses_owner CHECK (owner_kind IN ('store', 'trader')),
    CONSTRAINT ck_withdrawal_addresses_status CHECK (status IN ('pending', 'active', 'refused', 'removed')),
    CONSTRAINT ck_withdrawal_addresses_rested CHECK (status <> 'active' OR usable_at IS NOT NULL)
);
CREATE INDEX ix_withdrawal_addresses_fingerprint ON withdrawal_addresses (fingerprint);
CREATE INDEX ix_withdrawal_addresses_owner ON withdrawal_addresses (owner_kind, owner_id, id);
CREATE UNIQUE INDEX uq_withdrawal_addresses_place ON withdrawal_addresses (owner_kind, owner_id, network, fingerprint)
    WHERE status IN ('pending', 'active');

-- The smallest withdrawal in a currency; without a row any amount may go.
CREATE TABLE withdrawal_minimums (
    currency text NOT NULL,
    min_minor bigint NOT NULL,
    CONSTRAINT pk_withdrawal_minimums PRIMARY KEY (currency),
    CONSTRAINT ck_withdrawal_minimums_minimum CHECK (min_minor > 0),
    CONSTRAINT fk_withdrawal_minimums_currency FOREIGN KEY (currency) REFERENCES currencies (code)
);

-- An owner's money on its way out: held from the moment it is asked for until it is sent or given back.
CREATE TABLE withdrawals (
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    address_id uuid NOT NULL,
    status text NOT NULL,
    approval_id uuid NOT NULL,
    asked_name text NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by uuid,
    decided_name text,
    decided_at timestamptz,
    taken_by uuid,
    taken_name text,
    taken_at timestamptz,
    sent_by uuid,
    sent_name text,
    reference text,
    reference_key text,
    ended_at timestamptz,
    ended_reason text,
    CONSTRAINT pk_withdrawals PRIMARY KEY (id),
    CONSTRAINT uq_withdrawals_reference UNIQUE (reference_key),
    CONSTRAINT ck_withdrawals_owner CHECK (owner_kind IN ('store', 'trader')),
    CONSTRAINT ck_withdrawals_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_withdrawals_status CHECK (
        status IN ('requested', 'approved', 'sent', 'refused', 'cancelled', 'released')),
    CONSTRAINT ck_withdrawals_decided CHECK (
        status NOT IN ('approved', 'sent', 'released') OR decided_by IS NOT NULL),
    CONSTRAINT ck_withdrawals_sent CHECK (
        (status = 'sent') = (reference IS NOT NULL) AND (status = 'sent') = (reference_key IS NOT NULL) AND
        (status = 'sent') = (sent_by IS NOT NULL)),
    CONSTRAINT ck_withdrawals_two_staff CHECK (sent_by <> decided_by AND taken_by <> decided_by),
    CONSTRAINT ck_withdrawals_ended CHECK ((status IN ('requested', 'approved')) = (ended_at IS NULL)),
    CONSTRAINT fk_withdrawals_address_id FOREIGN KEY (address_id) REFERENCES withdrawal_addresses (id)
);
CREATE INDEX ix_withdrawals_ended_at ON withdrawals (ended_at);
CREATE INDEX ix_withdrawals_owner ON withdrawals (owner_kind, owner_id, id);
CREATE INDEX ix_withdrawals_status_id ON withdrawals (status, id);

REVOKE DELETE, TRUNCATE ON deposits, withdrawal_addresses, withdrawals FROM quittance_app;

-- What open withdrawals keep of their owners' held balances: the proof of the books takes it away from what orders hold.
CREATE VIEW withdrawals_held AS
    SELECT owner_kind, owner_id, currency, sum(amount_minor) AS held_minor FROM withdrawals
     WHERE status IN ('requested', 'approved') GROUP BY owner_kind, owner_id, currency;
GRANT SELECT ON withdrawals_held TO quittance_app;

-- What somebody asked for is what is decided on; what has ended stays as it ended.
CREATE FUNCTION guard_deposit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'asked' THEN
        RAISE EXCEPTION 'a deposit is decided once and never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.owner_kind, NEW.owner_id, NEW.currency, NEW.amount_minor, NEW.network, NEW.reference,
           NEW.reference_key, NEW.approval_id, NEW.created_at) IS DISTINCT FROM
          (OLD.id, OLD.owner_kind, OLD.owner_id, OLD.currency, OLD.amount_minor, OLD.network, OLD.reference,
           OLD.reference_key, OLD.approval_id, OLD.created_at) THEN
        RAISE EXCEPTION 'what a deposit tells never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_deposit BEFORE UPDATE OR DELETE ON deposits FOR EACH ROW EXECUTE FUNCTION guard_deposit();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON deposits FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Another address is another row, approved and rested anew.
CREATE FUNCTION guard_withdrawal_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'fingerprint' = to_jsonb(OLD) - 'fingerprint' THEN
        RETURN NEW;  -- the same address, found by another key: of those that are gone too
    ELSIF TG_OP = 'DELETE' OR OLD.status IN ('refused', 'removed') THEN
        RAISE EXCEPTION 'an address that is gone stays gone' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.owner_kind, NEW.owner_id, NEW.currency, NEW.network, NEW.label, NEW.address_sealed, NEW.mask,
           NEW.fingerprint, NEW.created_at) IS DISTINCT FROM
          (OLD.id, OLD.owner_kind, OLD.owner_id, OLD.currency, OLD.network, OLD.label, OLD.address_sealed, OLD.mask,
           OLD.fingerprint, OLD.created_at)
          OR (OLD.usable_at IS NOT NULL AND NEW.usable_at IS DISTINCT FROM OLD.usable_at) THEN
        RAISE EXCEPTION 'an address never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_withdrawal_address BEFORE UPDATE OR DELETE ON withdrawal_addresses
    FOR EACH ROW EXECUTE FUNCTION guard_withdrawal_address();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON withdrawal_addresses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How much goes where is what was approved; what was sent or given back stays so.
CREATE FUNCTION guard_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'a withdrawal ends once and is never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.owner_kind, NEW.owner_id, NEW.currency, NEW.amount_minor, NEW.address_id, NEW.approval_id,
           NEW.created_at) IS DISTINCT FROM
          (OLD.id, OLD.owner_kind, OLD.owner_id, OLD.currency, OLD.amount_minor, OLD.address_id, OLD.approval_id,
           OLD.created_at)
          OR (OLD.decided_by IS NOT NULL AND NEW.decided_by IS DISTINCT FROM OLD.decided_by) THEN
        RAISE EXCEPTION 'how much goes where never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_withdrawal BEFORE UPDATE OR DELETE ON withdrawals
    FOR EACH ROW EXECUTE FUNCTION guard_withdrawal();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON withdrawals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A day of the books that somebody has looked at and signed. Never changed.
CREATE TABLE closed_days (
    day date NOT NULL,
    currency text NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    entries bigint NOT NULL,
    trial jsonb NOT NULL,
    holds jsonb NOT NULL,
    differences text[] NOT NULL,
    proved_at timestamptz,
    note text,
    closed_by uuid,
    closed_name text NOT NULL,
    closed_at timestamptz NOT NULL,
    CONSTRAINT pk_closed_days PRIMARY KEY (day, currency),
    CONSTRAINT ck_closed_days_time CHECK (began_at < ended_at AND ended_at <= closed_at)
);
REVOKE UPDATE, DELETE, TRUNCATE ON closed_days FROM quittance_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON closed_days FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON closed_days FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
