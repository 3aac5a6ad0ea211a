-- Personal data: what must not be purged nor erased for now, and the one way in which what was said is forgotten.
CREATE TABLE legal_holds (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    kind text NOT NULL,
    shown text NOT NULL,
    order_id uuid,
    store_id uuid,
    customer_id text,
    reason text NOT NULL,
    made_name text NOT NULL,
    lifted_at timestamptz,
    lifted_name text,
    CONSTRAINT pk_legal_holds PRIMARY KEY (id),
    CONSTRAINT ck_legal_holds_kind CHECK (kind IN ('order', 'dispute', 'person')),
    CONSTRAINT ck_legal_holds_target CHECK ((kind = 'person') = (order_id IS NULL) AND (order_id IS NULL) = (store_id IS NOT NULL)
        AND (store_id IS NULL) = (customer_id IS NULL)),
    CONSTRAINT ck_legal_holds_lifted CHECK ((lifted_at IS NULL) = (lifted_name IS NULL))
);
CREATE INDEX ix_legal_holds_order_id ON legal_holds (order_id) WHERE lifted_at IS NULL;
CREATE INDEX ix_legal_holds_customer ON legal_holds (store_id, customer_id) WHERE lifted_at IS NULL;
REVOKE DELETE, TRUNCATE ON legal_holds FROM quittance_app;

-- What was said in a dispute that has ended. The application may not change statements; this it may, and nothing else.
CREATE FUNCTION forget_statements(wanted uuid[]) RETURNS int
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        UPDATE dispute_statements s SET text = '—' FROM disputes d
         WHERE s.id = ANY (wanted) AND d.id = s.dispute_id AND d.ended_at IS NOT NULL RETURNING 1)
    SELECT count(*)::int FROM gone
$$;
REVOKE ALL ON FUNCTION forget_statements(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_statements(uuid[]) TO quittance_app;
