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
    CONSTRAINT ck_admissions_how CHECK (how IN ('password', 'enabled', 'rights', 'email')),
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
    CONSTRAINT pk_approvals PRIMARY KEY (id),
    CONSTRAINT ck_approvals_four_eyes CHECK (decided_by <> asked_by),
    CONSTRAINT ck_approvals_state CHECK (state IN ('pending', 'approved', 'rejected')),
    CONSTRAINT ck_approvals_decided CHECK (
        (state = 'pending') = (decided_at IS NULL) AND (state = 'pending') = (decided_by IS NULL))
);
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
    ELSIF (NEW.kind, NEW.target_kind, NEW.target_id, NEW.before, NEW.after, NEW.asked_by, NEW.created_at, NEW.reason)
        IS DISTINCT FROM
          (OLD.kind, OLD.target_kind, OLD.target_id, OLD.before, OLD.after, OLD.asked_by, OLD.created_at, OLD.reason) THEN
        RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_approval BEFORE UPDATE OR DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION guard_approval();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
