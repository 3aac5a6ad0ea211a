-- What matching by sums over history costs (the baseline of G4): each candidate's day is added up from its orders, the
-- least recently used one that stays below its limit is taken. As found in such systems, with the index they have.
DROP SCHEMA IF EXISTS sums CASCADE;
CREATE SCHEMA sums;
CREATE TABLE sums.requisites (id int PRIMARY KEY, trader_id int NOT NULL, last_used_at timestamptz, method text NOT NULL,
    on_shift bool NOT NULL, payin bool NOT NULL, min_minor bigint, max_minor bigint, limit_minor bigint, window_minutes int);
CREATE INDEX ON sums.requisites (last_used_at);
CREATE TABLE sums.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, requisite_id int NOT NULL,
    amount_minor bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), status text NOT NULL DEFAULT 'completed');
INSERT INTO sums.requisites SELECT g, (g - 1) / 20, now() - g * interval '1 s', 'card', true, true,
       (array[10000, 50000, 100000, 500000])[1 + g % 4], (array[500000, 1000000, 5000000, 10000000])[1 + g % 4],
       1000000000000000, 1440 FROM generate_series(1, :requisites) g;
INSERT INTO sums.orders (requisite_id, amount_minor, created_at)
SELECT 1 + (random() * (:requisites - 1))::int, 100000, now() - random() * interval '72 hours'
  FROM generate_series(1, 10000) g;  -- the least history of G3: the baseline at its cheapest
CREATE INDEX ON sums.orders (created_at);
CREATE FUNCTION sums.pick(m text, a bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE r int;
BEGIN
    SELECT q.id INTO r FROM sums.requisites q
     WHERE q.on_shift AND q.payin AND q.method = m AND q.min_minor <= a AND q.max_minor >= a
       AND a + (SELECT coalesce(sum(h.amount_minor), 0) FROM sums.orders h WHERE h.requisite_id = q.id
                AND h.created_at >= now() - q.window_minutes * interval '1 minute') <= q.limit_minor
     ORDER BY q.last_used_at ASC NULLS FIRST LIMIT 1 FOR UPDATE OF q SKIP LOCKED;
    UPDATE sums.requisites SET last_used_at = clock_timestamp() WHERE id = r;
    INSERT INTO sums.orders (requisite_id, amount_minor) VALUES (r, a);
    RETURN r;
END $$;
ANALYZE sums.requisites;
ANALYZE sums.orders;
