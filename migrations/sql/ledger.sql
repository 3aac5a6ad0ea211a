-- Ledger: what may never change does not, even for a careless owner; and the balance row of each new account.

-- One account: whose, for what, in which currency, live or test. Never updated; postings refer to it.
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    purpose text NOT NULL,
    currency text NOT NULL,
    live boolean NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_identity UNIQUE (owner_kind, owner_id, purpose, currency, live),
    CONSTRAINT uq_accounts_id_currency_live UNIQUE (id, currency, live),
    CONSTRAINT ck_accounts_purpose CHECK (
        (owner_kind IN ('store', 'trader') AND purpose IN ('available', 'held')) OR (owner_kind = 'store' AND
        purpose = 'reserve') OR (owner_kind = 'platform' AND purpose IN ('fees', 'suspense')) OR
        (owner_kind = 'world' AND purpose = 'external')),
    CONSTRAINT ck_accounts_owner CHECK (
        (owner_kind IN ('platform', 'world')) = (owner_id = '00000000-0000-0000-0000-000000000000'))
);

-- An immutable fact. `reference` is the assignment, order or approval that it is about: one entry per kind.
CREATE TABLE journal_entries (
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    reference uuid NOT NULL,
    memo text,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    posted_at timestamptz NOT NULL,
    reverses_id bigint,
    CONSTRAINT pk_journal_entries PRIMARY KEY (id),
    CONSTRAINT uq_journal_entries_kind_reference UNIQUE (kind, reference),
    CONSTRAINT uq_journal_entries_reverses_id UNIQUE (reverses_id),
    CONSTRAINT ck_journal_entries_reversal CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL)),
    CONSTRAINT fk_journal_entries_reverses_id FOREIGN KEY (reverses_id) REFERENCES journal_entries (id)
);
CREATE INDEX ix_journal_entries_posted_at ON journal_entries USING brin (posted_at);
CREATE INDEX ix_journal_entries_reference ON journal_entries (reference);

-- One run of `ledger verify`, whoever asked for it. Read newest first, by id.
CREATE TABLE ledger_proofs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    checks int NOT NULL,
    examined bigint NOT NULL,
    differences text[] NOT NULL,
    by text NOT NULL,
    scope text NOT NULL,
    CONSTRAINT pk_ledger_proofs PRIMARY KEY (id),
    CONSTRAINT ck_ledger_proofs_scope CHECK (scope IN ('full', 'changed', 'audit'))
);
CREATE INDEX ix_ledger_proofs_scope ON ledger_proofs (scope, id);
REVOKE UPDATE, DELETE, TRUNCATE ON ledger_proofs FROM quittance_app;

-- What a proof found wrong. It stands until a later proof does not find it; while one stands no money leaves.
CREATE TABLE findings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    check_name text NOT NULL,
    subject text NOT NULL,
    difference text NOT NULL,
    found_at timestamptz NOT NULL,
    found_in bigint NOT NULL,
    found_again_at timestamptz NOT NULL,
    looked_at timestamptz,
    looked_by uuid,
    looked_name text,
    looked_reason text,
    settled_at timestamptz,
    settled_in bigint,
    CONSTRAINT pk_findings PRIMARY KEY (id),
    CONSTRAINT ck_findings_settled_by_a_proof CHECK ((settled_at IS NULL) = (settled_in IS NULL)),
    CONSTRAINT ck_findings_looked CHECK ((looked_at IS NULL) = (looked_by IS NULL)
        AND (looked_at IS NULL) = (looked_name IS NULL) AND (looked_at IS NULL) = (looked_reason IS NULL)),
    CONSTRAINT fk_findings_found_in FOREIGN KEY (found_in) REFERENCES ledger_proofs (id),
    CONSTRAINT fk_findings_settled_in FOREIGN KEY (settled_in) REFERENCES ledger_proofs (id)
);
CREATE UNIQUE INDEX uq_findings_standing ON findings (check_name, subject) WHERE settled_at IS NULL;
-- nobody makes one go away: it is settled by a proof, and what was found stays written
REVOKE UPDATE, DELETE, TRUNCATE ON findings FROM quittance_app;
GRANT UPDATE (difference, found_again_at, looked_at, looked_by, looked_name, looked_reason, settled_at, settled_in)
    ON findings TO quittance_app;

-- What an account came to: cumulative debits and credits in minor units. The balance is credit minus debit.
CREATE TABLE balances (
    account_id bigint NOT NULL,
    may_overdraw boolean NOT NULL,
    debits_minor bigint DEFAULT 0 NOT NULL,
    credits_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT pk_balances PRIMARY KEY (account_id),
    CONSTRAINT ck_balances_covered CHECK (may_overdraw OR credits_minor >= debits_minor),
    CONSTRAINT ck_balances_cumulative CHECK (debits_minor >= 0 AND credits_minor >= 0),
    CONSTRAINT fk_balances_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
) WITH (fillfactor = 50);

-- A positive amount from one account to another, of one currency and mode by its keys.
CREATE TABLE postings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    entry_id bigint NOT NULL,
    debit_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    currency text NOT NULL,
    live boolean NOT NULL,
    amount_minor bigint NOT NULL,
    debit_after_minor bigint NOT NULL,
    credit_after_minor bigint NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (id),
    CONSTRAINT fk_postings_debit FOREIGN KEY (debit_id, currency, live) REFERENCES accounts (id, currency, live),
    CONSTRAINT fk_postings_credit FOREIGN KEY (credit_id, currency, live) REFERENCES accounts (id, currency, live),
    CONSTRAINT ck_postings_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_postings_two_accounts CHECK (debit_id <> credit_id),
    CONSTRAINT fk_postings_entry_id FOREIGN KEY (entry_id) REFERENCES journal_entries (id)
);
CREATE INDEX ix_postings_credit_id_id ON postings (credit_id, id);
CREATE INDEX ix_postings_debit_id_id ON postings (debit_id, id);
CREATE INDEX ix_postings_entry_id ON postings (entry_id);

REVOKE UPDATE, DELETE, TRUNCATE ON accounts, journal_entries, postings FROM quittance_app;
-- the application moves sums; it neither makes balances nor decides who may overdraw
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON balances FROM quittance_app;
GRANT UPDATE (debits_minor, credits_minor) ON balances TO quittance_app;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON postings FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Each account has its balance from the start. As the owner: the application's role may not insert here.
CREATE FUNCTION open_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO balances (account_id, may_overdraw) VALUES (NEW.id, NEW.owner_kind IN ('platform', 'world'));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION open_balance() FROM PUBLIC;
CREATE TRIGGER open_balance AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION open_balance();

-- Who may go below zero follows from whose account it is, for ever; sums only grow.
CREATE FUNCTION guard_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.may_overdraw AND NOT EXISTS (SELECT FROM accounts WHERE id = NEW.account_id
                                              AND owner_kind IN ('platform', 'world')) THEN
            RAISE EXCEPTION 'only the desk and the outside world may overdraw'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_balances_may_overdraw';
        END IF;
    ELSIF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'a balance is never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.account_id <> OLD.account_id OR NEW.may_overdraw <> OLD.may_overdraw THEN
        RAISE EXCEPTION 'whose balance it is and whether it may overdraw never change'
            USING ERRCODE = 'restrict_violation';
    ELSIF NEW.debits_minor < OLD.debits_minor OR NEW.credits_minor < OLD.credits_minor THEN
        RAISE EXCEPTION 'cumulative sums only grow' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_balance BEFORE INSERT OR UPDATE OR DELETE ON balances
    FOR EACH ROW EXECUTE FUNCTION guard_balance();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON balances FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The first posting of an account at or after a moment: by halving, because an account's postings rise in time as they
-- do in id; NULL when there is none. A statement of any period begins and ends with two of these.
CREATE FUNCTION first_posting(wanted bigint, moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;          -- everything below is before the moment
    high bigint;              -- a posting at or after the moment, or past the last
    middle bigint;
    probe record;
    beyond bigint;
BEGIN
    SELECT 1 + greatest((SELECT max(id) FROM postings WHERE debit_id = wanted),
                        (SELECT max(id) FROM postings WHERE credit_id = wanted)) INTO beyond;
    IF beyond IS NULL THEN
        RETURN NULL;
    END IF;
    high := beyond;
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT p.id, e.posted_at INTO probe FROM (
            (SELECT id, entry_id FROM postings WHERE debit_id = wanted AND id >= middle ORDER BY id LIMIT 1)
            UNION ALL
            (SELECT id, entry_id FROM postings WHERE credit_id = wanted AND id >= middle ORDER BY id LIMIT 1)
            ORDER BY id LIMIT 1) p JOIN journal_entries e ON e.id = p.entry_id;
        IF NOT FOUND OR probe.posted_at >= moment THEN
            high := middle;
        ELSE
            low := probe.id + 1;
        END IF;
    END LOOP;
    RETURN CASE WHEN low < beyond THEN (
        SELECT min(id) FROM (
            (SELECT id FROM postings WHERE debit_id = wanted AND id >= low ORDER BY id LIMIT 1)
            UNION ALL
            (SELECT id FROM postings WHERE credit_id = wanted AND id >= low ORDER BY id LIMIT 1)) AS next) END;
END $$;

-- What an owner owes the desk: a correction found his balance spent, suspense stood in for him.
CREATE TABLE claims (
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    currency text NOT NULL,
    live boolean NOT NULL,
    reference uuid NOT NULL,
    amount_minor bigint NOT NULL,
    paid_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_claims PRIMARY KEY (id),
    CONSTRAINT ck_claims_amounts CHECK (amount_minor > 0 AND paid_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT ck_claims_settled CHECK ((settled_at IS NOT NULL) = (paid_minor = amount_minor)),
    CONSTRAINT ck_claims_owner_kind CHECK (owner_kind IN ('store', 'trader'))
);
CREATE INDEX ix_claims_open ON claims (owner_id) WHERE settled_at IS NULL;
CREATE INDEX ix_claims_reference ON claims (reference);
REVOKE DELETE, TRUNCATE ON claims FROM quittance_app;

-- One part of a claim that came back. Its id is the reference of its journal entry.
CREATE TABLE claim_payments (
    id uuid NOT NULL,
    claim_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_claim_payments PRIMARY KEY (id),
    CONSTRAINT fk_claim_payments_claim_id FOREIGN KEY (claim_id) REFERENCES claims (id)
);
CREATE INDEX ix_claim_payments_claim_id ON claim_payments (claim_id);
REVOKE UPDATE, DELETE, TRUNCATE ON claim_payments FROM quittance_app;
