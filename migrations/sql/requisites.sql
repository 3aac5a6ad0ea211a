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

-- How much may be open, and how much in dispute, on requisites of a bank in one currency. Its row is matching's lock.
CREATE TABLE bank_caps (
    bank text NOT NULL,
    currency text NOT NULL,
    open_max_minor bigint,
    disputed_max_minor bigint,
    CONSTRAINT pk_bank_caps PRIMARY KEY (bank, currency),
    CONSTRAINT ck_bank_caps_caps CHECK (open_max_minor >= 0 AND disputed_max_minor >= 0),
    CONSTRAINT fk_bank_caps_bank FOREIGN KEY (bank) REFERENCES banks (code),
    CONSTRAINT fk_bank_caps_currency FOREIGN KEY (currency) REFERENCES currencies (code)
);

-- A ring of requisites that could take a kind of order; `id` names its cursor, the sequence `lane_cursor_<id>`.
CREATE TABLE lanes (
    id int GENERATED ALWAYS AS IDENTITY,
    direction text NOT NULL,
    live boolean NOT NULL,
    method text NOT NULL,
    currency text NOT NULL,
    settlement_currency text NOT NULL,
    tier int NOT NULL,
    band int NOT NULL,
    CONSTRAINT pk_lanes PRIMARY KEY (id),
    CONSTRAINT uq_lanes_direction_live_method_currency_settlement_curr_786f UNIQUE (direction, live, method, currency, settlement_currency, tier, band)
);

-- A trader's receiving or paying instrument. Limits and counters in minor units of `currency`.
CREATE TABLE requisites (
    id uuid NOT NULL,
    trader_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    live boolean NOT NULL,
    method text NOT NULL,
    bank text,
    currency text NOT NULL,
    payin boolean NOT NULL,
    payout boolean NOT NULL,
    number_sealed bytea NOT NULL,
    number_first6 text NOT NULL,
    number_last4 text NOT NULL,
    number_fingerprint bytea NOT NULL,
    status text NOT NULL,
    robot boolean NOT NULL,
    weight int NOT NULL,
    min_minor bigint NOT NULL,
    max_minor bigint NOT NULL,
    day_max_minor bigint,
    day_count_max int,
    month_max_minor bigint,
    open_orders_max int NOT NULL,
    cooldown_s int NOT NULL,
    hours_from int,
    hours_to int,
    off_hours boolean DEFAULT false NOT NULL,
    open_orders int DEFAULT 0 NOT NULL,
    day_on date,
    day_used_minor bigint DEFAULT 0 NOT NULL,
    day_count int DEFAULT 0 NOT NULL,
    month_on date,
    month_used_minor bigint DEFAULT 0 NOT NULL,
    cool_until timestamptz,
    failed_payers text[] DEFAULT '{}' NOT NULL,
    quarantined_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_requisites PRIMARY KEY (id),
    CONSTRAINT ck_requisites_range CHECK (0 < min_minor AND min_minor <= max_minor),
    CONSTRAINT ck_requisites_weight CHECK (weight BETWEEN 1 AND 20),
    CONSTRAINT ck_requisites_counters CHECK (
        open_orders >= 0 AND day_count >= 0 AND day_used_minor >= 0 AND month_used_minor >= 0),
    CONSTRAINT ck_requisites_hours CHECK (num_nonnulls(hours_from, hours_to) IN (0, 2) AND hours_from BETWEEN 0 AND 1439
        AND hours_to BETWEEN 0 AND 1439 AND hours_from <> hours_to),
    CONSTRAINT ck_requisites_status CHECK (
        status IN ('pending', 'active', 'paused', 'rejected', 'blocked', 'frozen', 'archived')),
    CONSTRAINT fk_requisites_trader_id FOREIGN KEY (trader_id) REFERENCES traders (id),
    CONSTRAINT fk_requisites_holder_id FOREIGN KEY (holder_id) REFERENCES holders (id),
    CONSTRAINT fk_requisites_method FOREIGN KEY (method) REFERENCES methods (code),
    CONSTRAINT fk_requisites_bank FOREIGN KEY (bank) REFERENCES banks (code),
    CONSTRAINT fk_requisites_currency FOREIGN KEY (currency) REFERENCES currencies (code)
) WITH (fillfactor = 60);
CREATE INDEX ix_requisites_hours ON requisites (id) WHERE hours_from IS NOT NULL;
CREATE INDEX ix_requisites_holder_id ON requisites (holder_id);
CREATE INDEX ix_requisites_number_last4 ON requisites (number_last4);
CREATE INDEX ix_requisites_short_id ON requisites (right(CAST(id AS TEXT), 8));
CREATE INDEX ix_requisites_trader_id ON requisites (trader_id, created_at);
CREATE UNIQUE INDEX uq_requisites_number
    ON requisites (number_fingerprint, currency, live)
    WHERE status NOT IN ('rejected', 'archived');

-- Its bank froze it: since when, out of which status, why, how much lies there and cannot be had.
CREATE TABLE requisite_freezes (
    id uuid NOT NULL,
    requisite_id uuid NOT NULL,
    status_before text NOT NULL,
    frozen_at timestamptz NOT NULL,
    frozen_name text NOT NULL,
    reason text NOT NULL,
    stuck_minor bigint,
    ended_at timestamptz,
    ended_name text,
    kept boolean DEFAULT false NOT NULL,  -- archived while its bank had it: what is stuck stays so
    CONSTRAINT pk_requisite_freezes PRIMARY KEY (id),
    CONSTRAINT ck_requisite_freezes_stuck CHECK (stuck_minor >= 0),
    CONSTRAINT ck_requisite_freezes_status_before CHECK (status_before IN ('active', 'paused', 'blocked')),
    CONSTRAINT ck_requisite_freezes_kept CHECK (ended_at IS NOT NULL OR NOT kept),
    CONSTRAINT fk_requisite_freezes_requisite_id FOREIGN KEY (requisite_id) REFERENCES requisites (id)
);
CREATE UNIQUE INDEX uq_requisite_freezes_open ON requisite_freezes (requisite_id) WHERE ended_at IS NULL;

-- One position on a lane; a weight of w has w positions, spread evenly over the lap (1 to 2^62).
CREATE TABLE lane_members (
    lane_id int NOT NULL,
    position bigint NOT NULL,
    requisite_id uuid NOT NULL,
    CONSTRAINT pk_lane_members PRIMARY KEY (lane_id, position, requisite_id),
    CONSTRAINT fk_lane_members_lane_id FOREIGN KEY (lane_id) REFERENCES lanes (id),
    CONSTRAINT fk_lane_members_requisite_id FOREIGN KEY (requisite_id) REFERENCES requisites (id)
);
CREATE INDEX ix_lane_members_requisite_id ON lane_members (requisite_id);

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
