-- Calls: what keys asked of the gateway and were answered. A week of it, by day.

-- What a key asked and was answered. Only added; dropped with its day.
CREATE TABLE logged_calls (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    store_id uuid NOT NULL,
    live boolean NOT NULL,
    key_id uuid NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status int NOT NULL,
    code text,
    ms int NOT NULL,
    external_id text,
    order_id uuid,
    request_bytes int NOT NULL,
    answer_bytes int NOT NULL,
    request text,
    answer text,
    CONSTRAINT pk_logged_calls PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE logged_calls IS 'by day'; -- make_partitions leaves it alone, keep_days does not
CREATE INDEX ix_logged_calls_external_id ON logged_calls (store_id, external_id, created_at) WHERE external_id IS NOT NULL;
CREATE INDEX ix_logged_calls_order_id ON logged_calls (order_id, created_at) WHERE order_id IS NOT NULL;
CREATE INDEX ix_logged_calls_refused ON logged_calls (store_id, live, created_at, id) WHERE status >= 400;
CREATE INDEX ix_logged_calls_store_id ON logged_calls (store_id, live, created_at, id);
REVOKE UPDATE, DELETE, TRUNCATE ON logged_calls FROM quittance_app;

-- Days ahead of time for every table partitioned by day, and the end of those that were kept long enough. Runs as its
-- owner: the application owns nothing.
CREATE FUNCTION keep_days(days_kept int, days_ahead int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent record;
    today date := (now() AT TIME ZONE 'UTC')::date;
    oldest date := today - greatest(days_kept, 1);
    day date;
    name text;
    dropped int := 0;
BEGIN
    FOR parent IN SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind = 'p' AND n.nspname = 'public' AND obj_description(c.oid, 'pg_class') = 'by day' LOOP
        FOR name IN SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
                    WHERE i.inhparent = parent.oid AND p.relname ~ '_p[0-9]{8}$'
                      AND right(p.relname, 8)::date < oldest ORDER BY 1 LOOP
            EXECUTE format('DROP TABLE %I', name);
            dropped := dropped + 1;
        END LOOP;
        -- nothing is refused because a day is missing; what came then is not moved when the day is made, but dropped
        name := format('%s_p2default', parent.relname);
        IF to_regclass('public.' || quote_ident(name)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name, parent.relname);
            EXECUTE format('REVOKE ALL ON %I FROM quittance_app', name);
        END IF;
        FOR day IN SELECT generate_series(today - 1, today + least(days_ahead, 60), interval '1 day') LOOP
            name := format('%s_p%s', parent.relname, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass('public.' || quote_ident(name)) IS NOT NULL;
            EXECUTE format('DELETE FROM %I WHERE created_at >= %L AND created_at < %L', parent.relname || '_p2default',
                           day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent.relname,
                           day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('REVOKE ALL ON %I FROM quittance_app', name);
        END LOOP;
        EXECUTE format('DELETE FROM %I WHERE created_at < %L', parent.relname || '_p2default',
                       oldest::timestamp AT TIME ZONE 'UTC');
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION keep_days(int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_days(int, int) TO quittance_app;
