-- Requisites: lanes, their members, their cursors.
--
-- The shape matching reads:
--   lanes(id, direction, live, method, currency, settlement_currency, tier, band)   unique on all but id
--       band = floor(log2(amount in minor units)) = amount_band(amount_minor)
--   lane_members(lane_id, position, requisite_id)   primary key (lane_id, position, requisite_id)
--       position is a point on a lap of 2^62, 1 <= position <= 2^62; a requisite of weight w has w points, a w-th of a
--       lap apart, beginning at a point its id decides. A member's points depend on nobody else, so a rebuild
--       touches only the requisites that changed, renumbers nobody, and cursors keep going.
--   lane_cursor_<lane id>: a sequence. Its value is the position that was served last (NULL before the first):
--       start      coalesce(pg_sequence_last_value('lane_cursor_7'), 0)
--       candidates lane_members WHERE lane_id = 7 AND position > start ORDER BY position, then the lap anew from 0
--       after the pick   setval('lane_cursor_7', position)
--   Sequences are not transactional and lock nobody: two matchers that read the same cursor take neighbours
--   (SKIP LOCKED), so a lap is off by one per concurrent matcher at most.
-- Members are a hint: matching checks status, shift, switches, amount, limits again under the row's lock.

CREATE FUNCTION amount_band(amount_minor bigint) RETURNS int
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    -- exact where log(2, x) would round: 2^k falls into band k, 2^k - 1 into band k - 1
    RETURN length(ltrim(amount_minor::bit(64)::text, '0')) - 1;

-- The application's role owns nothing, so the cursor of a new lane is made by the owner's function.
CREATE FUNCTION make_lane_cursor(lane_id int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE %I AS bigint CACHE 1', 'lane_cursor_' || lane_id);
    EXECUTE format('GRANT USAGE, SELECT, UPDATE ON SEQUENCE %I TO quittance_app', 'lane_cursor_' || lane_id);
END $$;
REVOKE ALL ON FUNCTION make_lane_cursor(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_lane_cursor(int) TO quittance_app;

-- Where these requisites should stand now: a row for each (lane, point).
CREATE FUNCTION lane_places(requisite_ids uuid[])
    RETURNS TABLE (requisite_id uuid, direction text, live boolean, method text, currency text,
                   settlement_currency text, tier int, band int, "position" bigint)
    LANGUAGE sql STABLE AS $$
    SELECT r.id, d.direction, r.live, r.method, r.currency, t.settlement_currency, t.tier, b.band,
           -- 62 bits of the id's hash, then a w-th of a lap further for each further point
           ((h.start + (4611686018427387904 / r.weight) * w.k) & 4611686018427387903) + 1
      FROM requisites r
      JOIN traders t ON t.id = r.trader_id
     CROSS JOIN LATERAL (SELECT hashtextextended(r.id::text, 0) & 4611686018427387903 AS start) h
     CROSS JOIN LATERAL (VALUES ('payin', r.payin AND t.payin), ('payout', r.payout AND t.payout))
                        AS d (direction, open)
     CROSS JOIN LATERAL generate_series(amount_band(r.min_minor), amount_band(r.max_minor)) AS b (band)
     CROSS JOIN LATERAL generate_series(0, r.weight - 1) AS w (k)
     WHERE r.id = ANY (requisite_ids) AND d.open
       AND r.status = 'active' AND t.status = 'active' AND t.on_shift
$$;

-- Put these requisites where they belong and take them away from where they do not. Returns how many rows changed.
-- The row locks come first, in id order, so that of two rebuilds of one requisite the later sees the newer facts.
CREATE FUNCTION rebuild_lanes(requisite_ids uuid[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    changed int;
BEGIN
    PERFORM 1 FROM requisites r WHERE r.id = ANY (requisite_ids) ORDER BY r.id FOR NO KEY UPDATE;

    WITH made AS (
        INSERT INTO lanes AS l (direction, live, method, currency, settlement_currency, tier, band)
        SELECT DISTINCT p.direction, p.live, p.method, p.currency, p.settlement_currency, p.tier, p.band
          FROM lane_places(requisite_ids) p
         WHERE NOT EXISTS (SELECT 1 FROM lanes o WHERE (o.direction, o.live, o.method, o.currency,
                               o.settlement_currency, o.tier, o.band) = (p.direction, p.live, p.method, p.currency,
                               p.settlement_currency, p.tier, p.band))
         ORDER BY 1, 2, 3, 4, 5, 6, 7  -- two rebuilds that make the same lanes wait in one direction
        ON CONFLICT DO NOTHING
        RETURNING l.id)
    SELECT count(make_lane_cursor(made.id)) INTO changed FROM made;

    -- Grouped by lane before the join, and NOT IN for its hash: neither falls into a nested loop over thousands of
    -- rows where the planner has no statistics yet.
    WITH wanted AS MATERIALIZED (
        SELECT l.id AS lane_id, u."position", u.requisite_id
          FROM (SELECT p.direction, p.live, p.method, p.currency, p.settlement_currency, p.tier, p.band,
                       array_agg(p.requisite_id) AS requisites, array_agg(p."position") AS positions
                  FROM lane_places(requisite_ids) p GROUP BY 1, 2, 3, 4, 5, 6, 7) g
          JOIN lanes l ON (l.direction, l.live, l.method, l.currency, l.settlement_currency, l.tier, l.band)
                        = (g.direction, g.live, g.method, g.currency, g.settlement_currency, g.tier, g.band)
         CROSS JOIN LATERAL unnest(g.requisites, g.positions) AS u (requisite_id, "position")
    ), gone AS (
        DELETE FROM lane_members m
         WHERE m.requisite_id = ANY (requisite_ids)
           AND (m.lane_id, m."position", m.requisite_id)
               NOT IN (SELECT w.lane_id, w."position", w.requisite_id FROM wanted w)
        RETURNING 1
    ), come AS (
        INSERT INTO lane_members (lane_id, "position", requisite_id)
        SELECT w.lane_id, w."position", w.requisite_id FROM wanted w ON CONFLICT DO NOTHING
        RETURNING 1)
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come) INTO changed;
    RETURN changed;
END $$;
GRANT EXECUTE ON FUNCTION amount_band(bigint), lane_places(uuid[]), rebuild_lanes(uuid[]) TO quittance_app;

-- Reference data that every desk begins with; staff add to it and switch it.
INSERT INTO currencies (code, exponent, kind, sign, active, created_at, updated_at)
SELECT c.code, c.exponent, c.kind, c.sign, true, now(), now() FROM (VALUES
    ('RUB', 2, 'fiat', '₽'), ('KZT', 2, 'fiat', '₸'), ('UAH', 2, 'fiat', '₴'), ('AZN', 2, 'fiat', '₼'),
    ('USD', 2, 'fiat', '$'), ('EUR', 2, 'fiat', '€'),
    ('USDT', 6, 'crypto', '₮'), ('USDC', 6, 'crypto', 'USDC'), ('BTC', 8, 'crypto', '₿')
) AS c (code, exponent, kind, sign);
INSERT INTO methods (code, name, number_label, validator, "position", active, created_at, updated_at)
SELECT m.code, m.name, m.label, m.validator, m.place, true, now(), now() FROM (VALUES
    ('card', 'Bank card', 'Card number', 'luhn16', 1),
    ('sbp', 'Transfer by phone', 'Phone number', 'phone', 2),
    ('account', 'Bank account', 'Account number', 'account20', 3)
) AS m (code, name, label, validator, place);
INSERT INTO banks (code, name, country, active, created_at, updated_at)
SELECT b.code, b.name, b.country, true, now(), now() FROM (VALUES
    ('alfa', 'Alfa-Bank', 'RU'), ('sber', 'Sber', 'RU'), ('tbank', 'T-Bank', 'RU'), ('vtb', 'VTB', 'RU'),
    ('raiffeisen', 'Raiffeisen', 'RU'), ('gazprom', 'Gazprombank', 'RU'),
    ('kaspi', 'Kaspi Bank', 'KZ'), ('halyk', 'Halyk Bank', 'KZ'), ('jusan', 'Jusan Bank', 'KZ')
) AS b (code, name, country);
