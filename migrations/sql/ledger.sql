-- Ledger: what may never change does not, even for a careless owner; and the balance row of each new account.

REVOKE UPDATE, DELETE, TRUNCATE ON accounts, journal_entries, postings FROM quittance_app;
-- the application moves sums; it neither makes balances nor decides who may overdraw
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON balances FROM quittance_app;
GRANT UPDATE (debits_minor, credits_minor) ON balances TO quittance_app;
REVOKE DELETE, TRUNCATE ON approvals FROM quittance_app;

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

-- A decision is final, and what was asked for is what is decided on.
CREATE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an approval is never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF OLD.state <> 'pending' THEN
        RAISE EXCEPTION 'an approval is decided once' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.kind, NEW.target_kind, NEW.target_id, NEW.before, NEW.after, NEW.asked_by, NEW.created_at, NEW.reason)
        IS DISTINCT FROM
          (OLD.kind, OLD.target_kind, OLD.target_id, OLD.before, OLD.after, OLD.asked_by, OLD.created_at, OLD.reason) THEN
        RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_approval BEFORE UPDATE OR DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION guard_approval();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

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
