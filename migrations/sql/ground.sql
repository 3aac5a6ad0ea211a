-- Ground: what the application's role may do with whatever is made after this, and what all rooms use.

GRANT USAGE ON SCHEMA public TO quittance_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO quittance_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO quittance_app;
GRANT SELECT ON alembic_version TO quittance_app;

-- History is only ever added to, even by a careless owner.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Months ahead of time for every table partitioned by range of time. Runs as its owner: the application owns nothing.
CREATE FUNCTION make_partitions(months_ahead int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent record;
    month date;
    made int := 0;
    name text;
BEGIN
    FOR parent IN SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind = 'p' AND n.nspname = 'public'
                    AND obj_description(c.oid, 'pg_class') IS DISTINCT FROM 'by day' LOOP  -- keep_days makes those
        FOR month IN SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month',
                                            date_trunc('month', now() AT TIME ZONE 'UTC')
                                              + make_interval(months => least(months_ahead, 24)), interval '1 month') LOOP
            name := format('%s_p%s', parent.relname, to_char(month, 'YYYYMM'));
            CONTINUE WHEN to_regclass('public.' || quote_ident(name)) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent.relname,
                           month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END LOOP;
        -- nothing is refused because a month is missing
        name := format('%s_p2default', parent.relname);
        IF to_regclass('public.' || quote_ident(name)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name, parent.relname);
        END IF;
    END LOOP;
    -- partitions are reached through their parents only
    FOR name IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relispartition AND c.relkind = 'r' AND n.nspname = 'public' LOOP
        EXECUTE format('REVOKE ALL ON %I FROM quittance_app', name);
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION make_partitions(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_partitions(int) TO quittance_app;

-- Ties to the even one, as core.money.half_even. Not STRICT: so it is inlined.
CREATE FUNCTION half_even(value numeric) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN abs(value - trunc(value)) = 0.5
                THEN (2 * round(value / 2))::bigint ELSE round(value)::bigint END;
