-- Approvals, and who let whom into an account.

-- One way into an account that somebody opened. Only added; `told_at` says when it was first told.
CREATE TABLE admissions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    how text NOT NULL,
    by_id uuid,
    by_name text NOT NULL,
    approval_id uuid,
    given_at timestamptz NOT NULL,
    told_at timestamptz,
    CONSTRAINT pk_admissions PRIMARY KEY (id),
    CONSTRAINT ck_admissions_how CHECK (how IN ('password', 'enabled', 'rights', 'email', 'factor')),
    CONSTRAINT ck_admissions_by_another CHECK (by_id <> user_id)
);
CREATE INDEX ix_admissions_user_id_given_at ON admissions (user_id, given_at);

-- What is to change (`before` → `after`, no secrets), why, who asked, who decided. Decided once, for ever.
CREATE TABLE approvals (
    id uuid NOT NULL,
    kind text NOT NULL,
    target_kind text NOT NULL,
    target_id text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    asked_by uuid,
    asked_name text NOT NULL,
    created_at timestamptz NOT NULL,
    decided_by uuid,
    decided_name text,
    decided_at timestamptz,
    decision_reason text,
    expires_at timestamptz NOT NULL,
    first_by uuid,
    first_name text,
    first_at timestamptz,
    alone_max_minor bigint,
    CONSTRAINT pk_approvals PRIMARY KEY (id),
    CONSTRAINT ck_approvals_four_eyes CHECK (decided_by <> asked_by OR (alone_max_minor IS NOT NULL AND first_by IS NULL)),
    CONSTRAINT ck_approvals_six_eyes CHECK (
        first_by <> asked_by AND (first_by <> decided_by OR state <> 'approved')),
    CONSTRAINT ck_approvals_state CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired')),
    CONSTRAINT ck_approvals_decided CHECK (
        (state = 'pending') = (decided_at IS NULL) AND
        (state IN ('approved', 'rejected')) = (decided_by IS NOT NULL))
);
CREATE INDEX ix_approvals_asked_by ON approvals (asked_by, created_at, id);
CREATE INDEX ix_approvals_expires_at ON approvals (expires_at) WHERE state = 'pending';
CREATE INDEX ix_approvals_state_created_at_id ON approvals (state, created_at, id);
CREATE INDEX ix_approvals_target ON approvals (target_kind, target_id);

REVOKE DELETE, TRUNCATE ON approvals FROM quittance_app;
REVOKE UPDATE, DELETE, TRUNCATE ON admissions FROM quittance_app;
GRANT UPDATE (told_at) ON admissions TO quittance_app;

-- A decision is final, and what was asked for is what is decided on.
CREATE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an approval is never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF OLD.state <> 'pending' THEN
        RAISE EXCEPTION 'an approval is decided once' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.kind, NEW.target_kind, NEW.target_id, NEW.before, NEW.after, NEW.asked_by, NEW.created_at, NEW.reason,
           NEW.expires_at) IS DISTINCT FROM
          (OLD.kind, OLD.target_kind, OLD.target_id, OLD.before, OLD.after, OLD.asked_by, OLD.created_at, OLD.reason,
           OLD.expires_at) THEN
        RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_approval BEFORE UPDATE OR DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION guard_approval();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How much of a kind one person decides alone, and from where on two have to besides who asked. Without a row: nothing
-- alone, one other person for any amount.
CREATE TABLE approval_limits (
    kind text NOT NULL,
    currency text NOT NULL,
    alone_max_minor bigint NOT NULL,
    two_from_minor bigint,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_approval_limits PRIMARY KEY (kind, currency),
    CONSTRAINT ck_approval_limits_amounts CHECK (alone_max_minor >= 0 AND two_from_minor > alone_max_minor)
);
REVOKE DELETE, TRUNCATE ON approval_limits FROM quittance_app;

-- What moved below a limit of people in the last 24 hours, so that a sum cut in pieces counts as one. `scope`: the kind
-- of approval, or one store's payouts; `subject`: a store or trader, or the print of a recipient's number.
CREATE TABLE small_moves (
    scope text NOT NULL,
    reference text NOT NULL,
    subject text NOT NULL,
    asked_by uuid,
    decided_by uuid,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    others int NOT NULL,
    moved_at timestamptz NOT NULL,
    CONSTRAINT pk_small_moves PRIMARY KEY (scope, reference, subject),
    CONSTRAINT ck_small_moves_amount CHECK (amount_minor >= 0),
    CONSTRAINT ck_small_moves_others CHECK (others IN (0, 1))
);
CREATE INDEX ix_small_moves_asked_by ON small_moves (scope, currency, asked_by, moved_at);
CREATE INDEX ix_small_moves_decided_by ON small_moves (scope, currency, decided_by, moved_at);
CREATE INDEX ix_small_moves_subject ON small_moves (scope, currency, subject, moved_at);
CREATE INDEX ix_small_moves_moved_at ON small_moves (moved_at);
REVOKE UPDATE, TRUNCATE ON small_moves FROM quittance_app;
