-- Choosing a requisite, counting who could have been chosen, and saying why one gets nothing.
--
-- Made from matching.sql.in and portal/requisites/match_rules.py by `python -m tests.house.write_matching`.

-- How many minor units more may be open on requisites of a bank in a currency, by "bank currency", where that is capped;
-- -1 where more is in dispute than may be. Live orders only.
CREATE FUNCTION bank_room(of_bank text, of_currency text) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT CASE
        WHEN c.disputed_max_minor <= (
             SELECT coalesce(sum(q.amount_to_pay_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
               JOIN requisites r ON r.id = d.requisite_id
              WHERE d.ended_at IS NULL AND d.live AND r.bank = c.bank AND r.currency = c.currency) THEN -1
        ELSE c.open_max_minor - (SELECT coalesce(sum(p.to_pay_minor), 0) FROM open_places p
                                  WHERE p.bank = c.bank AND p.currency = c.currency) END
              FROM bank_caps c WHERE c.bank = of_bank AND c.currency = of_currency);
END $$;

CREATE FUNCTION bank_rooms() RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_object_agg(c.bank || ' ' || c.currency, bank_room(c.bank, c.currency)), '{}')
              FROM bank_caps c);
END $$;

-- The same under the lock of the cap, so that no two matchers fill one room: -1 where another has it just now. Nobody
-- waits for it. As long as its transaction lasts; without a cap there is nothing to lock.
CREATE FUNCTION bank_room_locked(of_bank text, of_currency text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM bank_caps c WHERE c.bank = of_bank AND c.currency = of_currency) THEN
        RETURN NULL;
    END IF;
    PERFORM FROM bank_caps c WHERE c.bank = of_bank AND c.currency = of_currency FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN -1;
    END IF;
    RETURN bank_room(of_bank, of_currency);
END $$;

-- What more a store's orders may settle for while they are open, NULL where that is not capped; -1 where more is in
-- dispute than may be.
CREATE FUNCTION store_room(of_store uuid, of_live boolean) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT CASE
        WHEN s.disputed_max_minor <= (
             SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
              WHERE d.store_id = s.id AND d.ended_at IS NULL AND d.live) THEN -1
        WHEN s.open_max_minor IS NOT NULL THEN
             s.open_max_minor - (SELECT coalesce(sum(p.settlement_minor), 0) FROM open_places p
                                  WHERE p.store_id = s.id) END
              FROM stores s WHERE s.id = of_store AND of_live
               AND num_nonnulls(s.open_max_minor, s.disputed_max_minor) > 0);
END $$;

CREATE FUNCTION store_room_locked(of_store uuid) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM stores s WHERE s.id = of_store FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN -1;
    END IF;
    RETURN store_room(of_store, true);
END $$;

-- Choose a requisite for each order, take its place and count it. The caller holds the orders' locks and posts the
-- collateral afterwards, in the same transaction. `passed`: candidates that fell out under the lock.
--
-- Along the lanes of the amount's band, tier by tier, from the cursor on and then the lap from its start. The locked
-- row is judged again (EvalPlanQual); what lies on other rows (same amount, collateral) is looked at anew under the
-- lock, in a statement and so a snapshot of its own. Everything a taken order changes is seen by the next order of the
-- batch.
--
-- The same amount: no open order has it, and none that ended without money and may still be paid late (kept_amounts).
--
-- A store may allow amounts to be varied (vary_minor): then the sum less up to so many minor units is taken that nobody
-- else has on this requisite, chosen under its lock. Less, never more: the collateral of the sum covers it.
--
-- Days: a worker whose clock still says yesterday, or whose zone turned its clock back over midnight, counts on the day
-- that has begun. Were a counter set back to the day before, the day that follows would begin from zero a second time.
--
-- Planned once a session (generic), along indexes whatever the statistics say: a desk that is an hour old has none, and
-- a plan made for its empty tables would walk whole tables when they have grown.
CREATE FUNCTION pick_requisites(order_ids uuid[], assignment_ids uuid[], at timestamptz, day date)
    RETURNS TABLE (order_id uuid, assignment_id uuid, requisite_id uuid, trader_id uuid, holder_id uuid,
                   robot boolean, reward_id uuid, reward_minor bigint, tier int, to_pay_minor bigint, passed text[])
    LANGUAGE plpgsql ROWS 10
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET enable_memoize = off
    SET jit = off AS $$
DECLARE
    o record;
    lane record;
    found_one record;
    cursor regclass;
    start bigint;
    lap int;
    after_position bigint;
    upto_position bigint;
    declined uuid[];
    replaced uuid[];
    refused uuid[];
    why text;
    used jsonb := '{}';  -- collateral this batch has spoken for, by trader: posted only after all are chosen
    days date[] := ARRAY[day, day + 1];  -- whose counters count; the second where the day has begun elsewhere
    months date[] := ARRAY[date_trunc('month', day)::date, (date_trunc('month', day) + interval '1 month')::date];
    counted date;  -- the day an order is counted on
    counted_month date;
    one_amount boolean;  -- of this order; o.one_amount is false while another sum may yet be chosen
    lap_end CONSTANT bigint := 4611686018427387904;  -- 2^62
    bank_rooms jsonb := bank_rooms();  -- of banks with a cap
    paused_banks text[] := ARRAY(SELECT p.target FROM desk_pauses p WHERE p.scope = 'bank' AND p.ended_at IS NULL
                                    AND p.began_at <= at AND p.ends_at > at);
BEGIN
    FOR o IN SELECT w.place, q.*, s.vary_minor, s.reward_may_exceed_fee, d.needs_collateral, d.one_amount,
                    CASE WHEN q.live AND num_nonnulls(s.open_max_minor, s.disputed_max_minor) > 0 THEN 0::bigint
                         END AS store_room, at + make_interval(
                    secs => CASE WHEN d.accepted_first THEN s.payout_accept_for_s ELSE s.pay_for_s END) AS pay_by
               FROM unnest(order_ids) WITH ORDINALITY AS w (id, place)
                    -- each by its id: a join that was planned on an empty table would walk every order
              CROSS JOIN LATERAL (SELECT * FROM orders WHERE orders.id = w.id OFFSET 0) q
               JOIN stores s ON s.id = q.store_id
               JOIN direction_rules d ON d.direction = q.direction ORDER BY w.place LOOP
        refused := '{}';
        passed := '{}';
        requisite_id := NULL;
        one_amount := o.one_amount;
        IF o.store_room IS NOT NULL THEN
            o.store_room := store_room_locked(o.store_id);
        END IF;
        IF o.vary_minor > 0 THEN
            o.amount_to_pay_minor := o.amount_minor;
            o.one_amount := false;
        END IF;
        declined := ARRAY(SELECT a.trader_id FROM assignments a
                           WHERE a.order_id = o.id AND (a.end_reason = 'declined'
                                OR a.end_reason = 'expired' AND o.live));
        replaced := ARRAY(SELECT a.requisite_id FROM assignments a
                           WHERE a.order_id = o.id AND a.state IN ('open', 'lingering'));
        <<walk>>
        FOR lane IN SELECT l.id, l.tier FROM lanes l
                    WHERE l.direction = o.direction AND l.live = o.live AND l.method = o.method
                      AND l.currency = o.currency AND l.settlement_currency = o.settlement_currency
                      AND l.band = amount_band(o.amount_to_pay_minor) ORDER BY l.tier LOOP
            cursor := ('lane_cursor_' || lane.id)::regclass;
            start := coalesce(pg_sequence_last_value(cursor), 0);
            lap := 0;
            after_position := start;
            upto_position := lap_end;
            LOOP
                SELECT m."position", r.id, r.trader_id, r.holder_id, r.robot, w.id AS reward_id, w.reward_minor,
                       r.bank, r.currency, r.min_minor, r.day_on, CASE WHEN h.currency = r.currency THEN h.day_on END AS holder_day_on
                  INTO found_one
                  FROM lane_members m
                  JOIN requisites r ON r.id = m.requisite_id
                  JOIN traders t ON t.id = r.trader_id
                  JOIN holders h ON h.id = r.holder_id
                 CROSS JOIN LATERAL (  -- the rule that names the method before one for any, the newer before the older
                       SELECT v.id, least(o.settlement_minor, v.reward_fixed_minor
                              + half_even(o.settlement_minor::numeric * v.reward_bps / 10000)) AS reward_minor
                         FROM rewards v
                        WHERE v.direction = o.direction AND v.valid_from <= at AND (v.retired_at IS NULL OR v.retired_at > at)
                          AND (v.method IS NULL OR v.method = o.method)
                          AND (v.currency IS NULL OR v.currency = o.currency)
                          AND (v.from_minor IS NULL OR v.from_minor <= o.amount_to_pay_minor)
                          AND (v.to_minor IS NULL OR v.to_minor >= o.amount_to_pay_minor)
                          AND v.trader_id = r.trader_id
                        ORDER BY v.method IS NULL, v.currency IS NULL, coalesce(v.to_minor, 9223372036854775807) - coalesce(v.from_minor, 0), v.created_at DESC, v.id DESC LIMIT 1) w
                 WHERE m.lane_id = lane.id AND m."position" > after_position AND m."position" <= upto_position
                   AND NOT r.id = ANY (refused)
                   AND (o.bank IS NULL OR r.bank = o.bank OR r.robot)
                   AND r.status = 'active'
                   AND t.status = 'active'
                   AND t.unsecured = 0
                   AND (CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END)
                   AND (o.live OR o.amount_to_pay_minor % 100 <> 6)
                   AND (r.robot OR NOT coalesce(r.bank = ANY (paused_banks), false))
                   AND t.on_shift
                   AND (r.robot OR NOT r.off_hours)
                   AND NOT t.id = ANY (declined)
                   AND NOT r.id = ANY (replaced)
                   AND o.amount_to_pay_minor BETWEEN r.min_minor AND r.max_minor
                   AND w.id IS NOT NULL
                   AND (o.reward_may_exceed_fee OR w.reward_minor <= o.fee_minor)
                   AND (r.robot OR (
                       (r.day_max_minor IS NULL OR o.amount_to_pay_minor
                            + CASE WHEN r.day_on = ANY (days) THEN r.day_used_minor ELSE 0 END <= r.day_max_minor)
                       AND (r.day_count_max IS NULL
                            OR 1 + CASE WHEN r.day_on = ANY (days) THEN r.day_count ELSE 0 END <= r.day_count_max)
                       AND (r.month_max_minor IS NULL OR o.amount_to_pay_minor
                            + CASE WHEN r.month_on = ANY (months) THEN r.month_used_minor ELSE 0 END
                            <= r.month_max_minor)
                       AND (h.currency IS DISTINCT FROM r.currency OR (
                           (h.day_max_minor IS NULL OR o.amount_to_pay_minor
                                + CASE WHEN h.day_on = ANY (days) THEN h.day_used_minor ELSE 0 END <= h.day_max_minor)
                           AND (h.day_count_max IS NULL
                                OR 1 + CASE WHEN h.day_on = ANY (days) THEN h.day_count ELSE 0 END <= h.day_count_max)
                           AND (h.month_max_minor IS NULL OR o.amount_to_pay_minor
                                + CASE WHEN h.month_on = ANY (months) THEN h.month_used_minor ELSE 0 END
                                <= h.month_max_minor)))
                       AND t.open_orders < t.open_orders_max
                       AND r.open_orders < r.open_orders_max
                       AND (r.quarantined_at IS NULL OR (r.open_orders = 0
                            AND o.amount_to_pay_minor <= greatest(r.min_minor, r.max_minor / 10)))
                       AND (r.cool_until IS NULL OR r.cool_until <= at)
                       AND (t.open_max_minor IS NULL
                            OR t.open_minor + coalesce(o.settlement_minor, 0) <= t.open_max_minor)
                       AND (t.disputed_max_minor IS NULL OR (SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
                         WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live) < t.disputed_max_minor)
                       AND (o.store_room IS NULL OR o.settlement_minor <= o.store_room)))
                   AND (r.robot OR (
                       (NOT o.one_amount OR NOT (
                           EXISTS (SELECT 1 FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor
                                   AND p.requisite_id = r.id OFFSET 0)
                           OR EXISTS (SELECT 1 FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
                                      AND k.requisite_id = r.id OFFSET 0)))
                       AND (NOT o.needs_collateral OR EXISTS (
                           SELECT 1 FROM accounts c JOIN balances b ON b.account_id = c.id
                            WHERE c.owner_kind = 'trader' AND c.purpose = 'available'
                              AND c.currency = o.settlement_currency AND c.live = o.live
                              AND c.owner_id = r.trader_id
                              AND b.credits_minor - b.debits_minor
                                  - coalesce((used ->> r.trader_id::text)::bigint, 0) >= o.settlement_minor))
                       AND coalesce(o.amount_to_pay_minor <= (bank_rooms ->> (r.bank || ' ' || r.currency))::bigint, true)))
                 ORDER BY m."position" LIMIT 1
                   FOR NO KEY UPDATE OF r, h, t SKIP LOCKED;
                IF NOT FOUND THEN
                    EXIT WHEN lap = 1 OR start = 0;
                    lap := 1;
                    after_position := 0;
                    upto_position := start;
                    CONTINUE;
                END IF;
                IF one_amount AND o.vary_minor > 0 THEN
                    o.one_amount := true;
                    o.amount_to_pay_minor := coalesce((
                        SELECT o.amount_minor - k FROM generate_series(0, o.vary_minor) AS k
                         WHERE o.amount_minor - k >= found_one.min_minor
                           AND NOT EXISTS (SELECT 1 FROM open_places p WHERE p.requisite_id = found_one.id
                                              AND p.amount_minor = o.amount_minor - k)
                           AND NOT EXISTS (SELECT 1 FROM kept_amounts n WHERE n.requisite_id = found_one.id
                                              AND n.amount_minor = o.amount_minor - k AND n.until > at)
                         ORDER BY k LIMIT 1), o.amount_minor);
                END IF;
                why := CASE
                    WHEN NOT (found_one.robot OR (NOT o.one_amount OR NOT (
                        EXISTS (SELECT 1 FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor
                                AND p.requisite_id = found_one.id)
                        OR EXISTS (SELECT 1 FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
                                   AND k.requisite_id = found_one.id))))
                        THEN 'same_amount'
                    WHEN NOT (found_one.robot OR (NOT o.needs_collateral OR EXISTS (
                        SELECT 1 FROM accounts c JOIN balances b ON b.account_id = c.id
                         WHERE c.owner_kind = 'trader' AND c.purpose = 'available'
                           AND c.currency = o.settlement_currency AND c.live = o.live
                           AND c.owner_id = found_one.trader_id
                           AND b.credits_minor - b.debits_minor
                               - coalesce((used ->> found_one.trader_id::text)::bigint, 0) >= o.settlement_minor)))
                        THEN 'collateral'
                    WHEN NOT (found_one.robot OR coalesce(o.amount_to_pay_minor <= bank_room_locked(found_one.bank, found_one.currency), true))
                        THEN 'bank_cap' END;
                o.one_amount := one_amount AND o.vary_minor = 0;
                IF why IS NOT NULL THEN
                    refused := refused || found_one.id;
                    passed := passed || why;
                    CONTINUE;
                END IF;
                PERFORM setval(cursor, found_one."position");
                order_id := o.id;
                assignment_id := assignment_ids[o.place];
                requisite_id := found_one.id;
                trader_id := found_one.trader_id;
                holder_id := found_one.holder_id;
                robot := found_one.robot;
                reward_id := found_one.reward_id;
                reward_minor := found_one.reward_minor;
                tier := lane.tier;
                to_pay_minor := o.amount_to_pay_minor;
                counted := greatest(day, CASE WHEN found_one.day_on = day + 1 THEN found_one.day_on END,
                                    CASE WHEN found_one.holder_day_on = day + 1 THEN found_one.holder_day_on END);
                counted_month := date_trunc('month', counted)::date;
                EXIT walk;
            END LOOP;
        END LOOP;
        CONTINUE WHEN requisite_id IS NULL;

        used := used || jsonb_build_object(trader_id::text,
                    coalesce((used ->> trader_id::text)::bigint, 0)
                    + CASE WHEN o.needs_collateral THEN o.settlement_minor ELSE 0 END);
        UPDATE requisites r SET open_orders = r.open_orders + 1,
               day_used_minor = CASE WHEN r.day_on = counted THEN r.day_used_minor ELSE 0 END + o.amount_to_pay_minor,
               day_count = CASE WHEN r.day_on = counted THEN r.day_count ELSE 0 END + 1, day_on = counted,
               month_used_minor = CASE WHEN r.month_on = counted_month THEN r.month_used_minor ELSE 0 END
                                  + o.amount_to_pay_minor, month_on = counted_month,
               cool_until = CASE WHEN r.cooldown_s > 0 AND NOT r.robot
                                 THEN at + make_interval(secs => r.cooldown_s) END
         WHERE r.id = pick_requisites.requisite_id;
        UPDATE holders h SET
               day_used_minor = CASE WHEN h.day_on = counted THEN h.day_used_minor ELSE 0 END + o.amount_to_pay_minor,
               day_count = CASE WHEN h.day_on = counted THEN h.day_count ELSE 0 END + 1, day_on = counted,
               month_used_minor = CASE WHEN h.month_on = counted_month THEN h.month_used_minor ELSE 0 END
                                  + o.amount_to_pay_minor, month_on = counted_month
         WHERE h.id = pick_requisites.holder_id AND NOT pick_requisites.robot
           AND h.currency IS NOT DISTINCT FROM o.currency;
        UPDATE traders t SET open_orders = t.open_orders + 1, open_minor = t.open_minor + o.settlement_minor WHERE t.id = pick_requisites.trader_id;
        INSERT INTO assignments (id, order_id, requisite_id, trader_id, holder_id, state, amount_minor,
                                 settlement_minor, settlement_currency, reward_minor, reward_id, counted_on, expires_at,
                                 created_at)
        VALUES (assignment_id, o.id, requisite_id, trader_id, holder_id, 'open', o.amount_to_pay_minor,
                o.settlement_minor, o.settlement_currency, reward_minor, reward_id, counted, o.pay_by, at);
        INSERT INTO open_places (assignment_id, requisite_id, trader_id, order_id, amount_minor, store_id, bank,
                                 currency, to_pay_minor, settlement_minor)
        VALUES (assignment_id, requisite_id, trader_id, o.id,
                CASE WHEN one_amount AND NOT robot THEN o.amount_to_pay_minor END,
                CASE WHEN NOT robot THEN o.store_id END, CASE WHEN NOT robot THEN found_one.bank END,
                found_one.currency, o.amount_to_pay_minor, o.settlement_minor);
        RETURN NEXT;
    END LOOP;
END $$;
-- How many candidates are left after each filter, in the order of the spec. One pass over the requisites: each row is
-- judged once and falls out at its first filter; what is the same for all requisites of a trader (reward, collateral,
-- an earlier refusal) is found once for each trader. 2 ms at 1,000 requisites, 12 at 10,000, about 100 at 100,000.
CREATE FUNCTION matching_funnel(wanted uuid, at timestamptz, day date) RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    o record;
    found jsonb;
    declined uuid[];
    replaced uuid[];
    days date[] := ARRAY[day, day + 1];  -- whose counters count; the second where the day has begun elsewhere
    months date[] := ARRAY[date_trunc('month', day)::date, (date_trunc('month', day) + interval '1 month')::date];
    bank_rooms jsonb := bank_rooms();  -- of banks with a cap
    paused_banks text[] := ARRAY(SELECT p.target FROM desk_pauses p WHERE p.scope = 'bank' AND p.ended_at IS NULL
                                    AND p.began_at <= at AND p.ends_at > at);
BEGIN
    SELECT q.*, s.reward_may_exceed_fee, d.needs_collateral, d.one_amount AND s.vary_minor = 0 AS one_amount,
           store_room(q.store_id, q.live) AS store_room INTO o
      FROM orders q JOIN stores s ON s.id = q.store_id JOIN direction_rules d ON d.direction = q.direction
     WHERE q.id = wanted;
    declined := ARRAY(SELECT a.trader_id FROM assignments a
                       WHERE a.order_id = o.id AND (a.end_reason = 'declined'
                            OR a.end_reason = 'expired' AND o.live));
    replaced := ARRAY(SELECT a.requisite_id FROM assignments a
                       WHERE a.order_id = o.id AND a.state IN ('open', 'lingering'));

    WITH hand AS MATERIALIZED (  -- what is the same for all requisites of a trader, once for each
        SELECT t.id, t.settlement_currency, t.status, t.unsecured, t.payin, t.payout, t.on_shift, t.open_orders,
               t.open_orders_max, t.open_minor, t.open_max_minor, t.disputed_max_minor,
               CASE WHEN t.disputed_max_minor IS NOT NULL THEN (SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
                 WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live) END AS disputed_minor,
               w.id AS reward_id, w.reward_minor, coalesce(b.covered, false) AS covered
          FROM traders t
          LEFT JOIN (
               SELECT DISTINCT ON (v.trader_id) v.trader_id, v.id, least(o.settlement_minor, v.reward_fixed_minor
                      + half_even(o.settlement_minor::numeric * v.reward_bps / 10000)) AS reward_minor
                 FROM rewards v
                WHERE v.direction = o.direction AND v.valid_from <= at AND (v.retired_at IS NULL OR v.retired_at > at)
                  AND (v.method IS NULL OR v.method = o.method)
                  AND (v.currency IS NULL OR v.currency = o.currency)
                  AND (v.from_minor IS NULL OR v.from_minor <= o.amount_to_pay_minor)
                  AND (v.to_minor IS NULL OR v.to_minor >= o.amount_to_pay_minor)
                ORDER BY v.trader_id, v.method IS NULL, v.currency IS NULL, coalesce(v.to_minor, 9223372036854775807) - coalesce(v.from_minor, 0), v.created_at DESC, v.id DESC) w ON w.trader_id = t.id
          LEFT JOIN (
               SELECT c.owner_id, b.credits_minor - b.debits_minor >= o.settlement_minor AS covered
                 FROM accounts c JOIN balances b ON b.account_id = c.id
                 WHERE c.owner_kind = 'trader' AND c.purpose = 'available'
                   AND c.currency = o.settlement_currency AND c.live = o.live) b ON b.owner_id = t.id
    ), taken AS MATERIALIZED (
        SELECT p.requisite_id FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor
        UNION ALL
        SELECT k.requisite_id FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
    ), fate AS (  -- at which filter each falls out: the cheap ones first decide whether the others are looked at
        SELECT CASE
                   WHEN (r.currency = o.currency
                     AND t.settlement_currency = o.settlement_currency)
                        IS NOT TRUE THEN 1
                   WHEN (r.method = o.method)
                        IS NOT TRUE THEN 2
                   WHEN ((o.bank IS NULL OR r.bank = o.bank OR r.robot))
                        IS NOT TRUE THEN 3
                   WHEN (r.status = 'active'
                     AND t.status = 'active'
                     AND t.unsecured = 0
                     AND (CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END)
                     AND (o.live OR o.amount_to_pay_minor % 100 <> 6)
                     AND (r.robot OR NOT coalesce(r.bank = ANY (paused_banks), false)))
                        IS NOT TRUE THEN 4
                   WHEN (t.on_shift
                     AND (r.robot OR NOT r.off_hours)
                     AND NOT t.id = ANY (declined)
                     AND NOT r.id = ANY (replaced))
                        IS NOT TRUE THEN 5
                   WHEN (o.amount_to_pay_minor BETWEEN r.min_minor AND r.max_minor
                     AND t.reward_id IS NOT NULL
                     AND (o.reward_may_exceed_fee OR t.reward_minor <= o.fee_minor))
                        IS NOT TRUE THEN 6
                   WHEN ((r.robot OR (
                         (r.day_max_minor IS NULL OR o.amount_to_pay_minor
                              + CASE WHEN r.day_on = ANY (days) THEN r.day_used_minor ELSE 0 END <= r.day_max_minor)
                         AND (r.day_count_max IS NULL
                              OR 1 + CASE WHEN r.day_on = ANY (days) THEN r.day_count ELSE 0 END <= r.day_count_max)
                         AND (r.month_max_minor IS NULL OR o.amount_to_pay_minor
                              + CASE WHEN r.month_on = ANY (months) THEN r.month_used_minor ELSE 0 END
                              <= r.month_max_minor)
                         AND (h.currency IS DISTINCT FROM r.currency OR (
                             (h.day_max_minor IS NULL OR o.amount_to_pay_minor
                                  + CASE WHEN h.day_on = ANY (days) THEN h.day_used_minor ELSE 0 END <= h.day_max_minor)
                             AND (h.day_count_max IS NULL
                                  OR 1 + CASE WHEN h.day_on = ANY (days) THEN h.day_count ELSE 0 END <= h.day_count_max)
                             AND (h.month_max_minor IS NULL OR o.amount_to_pay_minor
                                  + CASE WHEN h.month_on = ANY (months) THEN h.month_used_minor ELSE 0 END
                                  <= h.month_max_minor))))))
                        IS NOT TRUE THEN 7
                   WHEN ((r.robot OR (
                         t.open_orders < t.open_orders_max
                         AND r.open_orders < r.open_orders_max
                         AND (r.quarantined_at IS NULL OR (r.open_orders = 0
                              AND o.amount_to_pay_minor <= greatest(r.min_minor, r.max_minor / 10)))
                         AND (r.cool_until IS NULL OR r.cool_until <= at))))
                        IS NOT TRUE THEN 8
                   WHEN ((r.robot OR (
                         (t.open_max_minor IS NULL
                              OR t.open_minor + coalesce(o.settlement_minor, 0) <= t.open_max_minor)
                         AND (t.disputed_max_minor IS NULL OR t.disputed_minor < t.disputed_max_minor)
                         AND (o.store_room IS NULL OR o.settlement_minor <= o.store_room)
                         AND coalesce(o.amount_to_pay_minor <= (bank_rooms ->> (r.bank || ' ' || r.currency))::bigint, true))))
                        IS NOT TRUE THEN 9
                   WHEN ((r.robot OR (NOT o.needs_collateral OR t.covered)))
                        IS NOT TRUE THEN 10
                   WHEN ((r.robot OR (NOT o.one_amount OR NOT (r.id IN (SELECT s.requisite_id FROM taken s)))))
                        IS NOT TRUE THEN 11
                   ELSE 12 END AS place
          FROM requisites r JOIN hand t ON t.id = r.trader_id
          LEFT JOIN holders h ON h.id = r.holder_id AND h.currency = o.currency  -- few have limits
         WHERE r.live = o.live
    ), counted AS MATERIALIZED (SELECT place, count(*) AS many FROM fate GROUP BY place)
    SELECT jsonb_object_agg(s.stage, (SELECT coalesce(sum(c.many), 0) FROM counted c WHERE c.place >= s.place))
      INTO found
      FROM unnest('{all,currency,method,bank,approved,on_shift,amount,windows,slots,exposure,collateral,same_amount}'::text[])
           WITH ORDINALITY AS s (stage, place);
    RETURN found;
END $$;

-- The funnel of an order that nobody has asked for yet: could it be matched now? Nothing is locked, counted or made.
CREATE FUNCTION funnel_of_asked(direction text, live boolean, method text, bank text, currency text,
                                settlement_currency text, amount_minor bigint, settlement_minor bigint,
                                fee_minor bigint, reward_may_exceed_fee boolean, varied boolean, store uuid,
                                at timestamptz, day date)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    o record;
    found jsonb;
    declined uuid[] := '{}';
    replaced uuid[] := '{}';
    days date[] := ARRAY[day, day + 1];
    months date[] := ARRAY[date_trunc('month', day)::date, (date_trunc('month', day) + interval '1 month')::date];
    bank_rooms jsonb := bank_rooms();  -- of banks with a cap
    paused_banks text[] := ARRAY(SELECT p.target FROM desk_pauses p WHERE p.scope = 'bank' AND p.ended_at IS NULL
                                    AND p.began_at <= at AND p.ends_at > at);
BEGIN
    SELECT d.direction, funnel_of_asked.live AS live, funnel_of_asked.method AS method, funnel_of_asked.bank AS bank,
           funnel_of_asked.currency AS currency, funnel_of_asked.settlement_currency AS settlement_currency,
           funnel_of_asked.amount_minor AS amount_to_pay_minor, funnel_of_asked.settlement_minor AS settlement_minor,
           funnel_of_asked.fee_minor AS fee_minor, funnel_of_asked.reward_may_exceed_fee AS reward_may_exceed_fee,
           d.needs_collateral, d.one_amount AND NOT varied AS one_amount,
           store_room(store, funnel_of_asked.live) AS store_room INTO o
      FROM direction_rules d WHERE d.direction = funnel_of_asked.direction;

    WITH hand AS MATERIALIZED (  -- what is the same for all requisites of a trader, once for each
        SELECT t.id, t.settlement_currency, t.status, t.unsecured, t.payin, t.payout, t.on_shift, t.open_orders,
               t.open_orders_max, t.open_minor, t.open_max_minor, t.disputed_max_minor,
               CASE WHEN t.disputed_max_minor IS NOT NULL THEN (SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
                 WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live) END AS disputed_minor,
               w.id AS reward_id, w.reward_minor, coalesce(b.covered, false) AS covered
          FROM traders t
          LEFT JOIN (
               SELECT DISTINCT ON (v.trader_id) v.trader_id, v.id, least(o.settlement_minor, v.reward_fixed_minor
                      + half_even(o.settlement_minor::numeric * v.reward_bps / 10000)) AS reward_minor
                 FROM rewards v
                WHERE v.direction = o.direction AND v.valid_from <= at AND (v.retired_at IS NULL OR v.retired_at > at)
                  AND (v.method IS NULL OR v.method = o.method)
                  AND (v.currency IS NULL OR v.currency = o.currency)
                  AND (v.from_minor IS NULL OR v.from_minor <= o.amount_to_pay_minor)
                  AND (v.to_minor IS NULL OR v.to_minor >= o.amount_to_pay_minor)
                ORDER BY v.trader_id, v.method IS NULL, v.currency IS NULL, coalesce(v.to_minor, 9223372036854775807) - coalesce(v.from_minor, 0), v.created_at DESC, v.id DESC) w ON w.trader_id = t.id
          LEFT JOIN (
               SELECT c.owner_id, b.credits_minor - b.debits_minor >= o.settlement_minor AS covered
                 FROM accounts c JOIN balances b ON b.account_id = c.id
                 WHERE c.owner_kind = 'trader' AND c.purpose = 'available'
                   AND c.currency = o.settlement_currency AND c.live = o.live) b ON b.owner_id = t.id
    ), taken AS MATERIALIZED (
        SELECT p.requisite_id FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor
        UNION ALL
        SELECT k.requisite_id FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
    ), fate AS (  -- at which filter each falls out: the cheap ones first decide whether the others are looked at
        SELECT CASE
                   WHEN (r.currency = o.currency
                     AND t.settlement_currency = o.settlement_currency)
                        IS NOT TRUE THEN 1
                   WHEN (r.method = o.method)
                        IS NOT TRUE THEN 2
                   WHEN ((o.bank IS NULL OR r.bank = o.bank OR r.robot))
                        IS NOT TRUE THEN 3
                   WHEN (r.status = 'active'
                     AND t.status = 'active'
                     AND t.unsecured = 0
                     AND (CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END)
                     AND (o.live OR o.amount_to_pay_minor % 100 <> 6)
                     AND (r.robot OR NOT coalesce(r.bank = ANY (paused_banks), false)))
                        IS NOT TRUE THEN 4
                   WHEN (t.on_shift
                     AND (r.robot OR NOT r.off_hours)
                     AND NOT t.id = ANY (declined)
                     AND NOT r.id = ANY (replaced))
                        IS NOT TRUE THEN 5
                   WHEN (o.amount_to_pay_minor BETWEEN r.min_minor AND r.max_minor
                     AND t.reward_id IS NOT NULL
                     AND (o.reward_may_exceed_fee OR t.reward_minor <= o.fee_minor))
                        IS NOT TRUE THEN 6
                   WHEN ((r.robot OR (
                         (r.day_max_minor IS NULL OR o.amount_to_pay_minor
                              + CASE WHEN r.day_on = ANY (days) THEN r.day_used_minor ELSE 0 END <= r.day_max_minor)
                         AND (r.day_count_max IS NULL
                              OR 1 + CASE WHEN r.day_on = ANY (days) THEN r.day_count ELSE 0 END <= r.day_count_max)
                         AND (r.month_max_minor IS NULL OR o.amount_to_pay_minor
                              + CASE WHEN r.month_on = ANY (months) THEN r.month_used_minor ELSE 0 END
                              <= r.month_max_minor)
                         AND (h.currency IS DISTINCT FROM r.currency OR (
                             (h.day_max_minor IS NULL OR o.amount_to_pay_minor
                                  + CASE WHEN h.day_on = ANY (days) THEN h.day_used_minor ELSE 0 END <= h.day_max_minor)
                             AND (h.day_count_max IS NULL
                                  OR 1 + CASE WHEN h.day_on = ANY (days) THEN h.day_count ELSE 0 END <= h.day_count_max)
                             AND (h.month_max_minor IS NULL OR o.amount_to_pay_minor
                                  + CASE WHEN h.month_on = ANY (months) THEN h.month_used_minor ELSE 0 END
                                  <= h.month_max_minor))))))
                        IS NOT TRUE THEN 7
                   WHEN ((r.robot OR (
                         t.open_orders < t.open_orders_max
                         AND r.open_orders < r.open_orders_max
                         AND (r.quarantined_at IS NULL OR (r.open_orders = 0
                              AND o.amount_to_pay_minor <= greatest(r.min_minor, r.max_minor / 10)))
                         AND (r.cool_until IS NULL OR r.cool_until <= at))))
                        IS NOT TRUE THEN 8
                   WHEN ((r.robot OR (
                         (t.open_max_minor IS NULL
                              OR t.open_minor + coalesce(o.settlement_minor, 0) <= t.open_max_minor)
                         AND (t.disputed_max_minor IS NULL OR t.disputed_minor < t.disputed_max_minor)
                         AND (o.store_room IS NULL OR o.settlement_minor <= o.store_room)
                         AND coalesce(o.amount_to_pay_minor <= (bank_rooms ->> (r.bank || ' ' || r.currency))::bigint, true))))
                        IS NOT TRUE THEN 9
                   WHEN ((r.robot OR (NOT o.needs_collateral OR t.covered)))
                        IS NOT TRUE THEN 10
                   WHEN ((r.robot OR (NOT o.one_amount OR NOT (r.id IN (SELECT s.requisite_id FROM taken s)))))
                        IS NOT TRUE THEN 11
                   ELSE 12 END AS place
          FROM requisites r JOIN hand t ON t.id = r.trader_id
          LEFT JOIN holders h ON h.id = r.holder_id AND h.currency = o.currency  -- few have limits
         WHERE r.live = o.live
    ), counted AS MATERIALIZED (SELECT place, count(*) AS many FROM fate GROUP BY place)
    SELECT jsonb_object_agg(s.stage, (SELECT coalesce(sum(c.many), 0) FROM counted c WHERE c.place >= s.place))
      INTO found
      FROM unnest('{all,currency,method,bank,approved,on_shift,amount,windows,slots,exposure,collateral,same_amount}'::text[])
           WITH ORDINALITY AS s (stage, place);
    RETURN found;
END $$;

-- What keeps each of these from the smallest order that it would take, in each direction it is there for: what keeps
-- that away keeps every order away. `needed`: what such an order settles for, NULL where no rate is known. `rules`: the
-- names of those it does not pass; `until`: when the amount is free again, if it takes one amount only and that rests.
CREATE FUNCTION requisite_hindrances(ids uuid[], needed bigint[], at timestamptz, day date)
    RETURNS TABLE (requisite_id uuid, direction text, rules text[], until timestamptz)
    LANGUAGE plpgsql STABLE ROWS 50 AS $$
DECLARE
    days date[] := ARRAY[day, day + 1];
    months date[] := ARRAY[date_trunc('month', day)::date, (date_trunc('month', day) + interval '1 month')::date];
    bank_rooms jsonb := bank_rooms();  -- of banks with a cap
    paused_banks text[] := ARRAY(SELECT p.target FROM desk_pauses p WHERE p.scope = 'bank' AND p.ended_at IS NULL
                                    AND p.began_at <= at AND p.ends_at > at);
BEGIN
    RETURN QUERY
    SELECT r.id, o.direction, array_remove(ARRAY[
               CASE WHEN (r.status = 'active')
                    IS NOT TRUE THEN 'status' END,
               CASE WHEN (t.status = 'active')
                    IS NOT TRUE THEN 'trader_inactive' END,
               CASE WHEN (t.unsecured = 0)
                    IS NOT TRUE THEN 'unsecured' END,
               CASE WHEN ((CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END))
                    IS NOT TRUE THEN 'direction_off' END,
               CASE WHEN ((r.robot OR NOT coalesce(r.bank = ANY (paused_banks), false)))
                    IS NOT TRUE THEN 'bank_paused' END,
               CASE WHEN (t.on_shift)
                    IS NOT TRUE THEN 'off_shift' END,
               CASE WHEN ((r.robot OR NOT r.off_hours))
                    IS NOT TRUE THEN 'off_hours' END,
               CASE WHEN (w.id IS NOT NULL)
                    IS NOT TRUE THEN 'no_reward' END,
               CASE WHEN ((r.robot OR (r.day_max_minor IS NULL OR o.amount_to_pay_minor
                    + CASE WHEN r.day_on = ANY (days) THEN r.day_used_minor ELSE 0 END <= r.day_max_minor)))
                    IS NOT TRUE THEN 'day' END,
               CASE WHEN ((r.robot OR (r.day_count_max IS NULL
                    OR 1 + CASE WHEN r.day_on = ANY (days) THEN r.day_count ELSE 0 END <= r.day_count_max)))
                    IS NOT TRUE THEN 'day_count' END,
               CASE WHEN ((r.robot OR (r.month_max_minor IS NULL OR o.amount_to_pay_minor
                    + CASE WHEN r.month_on = ANY (months) THEN r.month_used_minor ELSE 0 END
                    <= r.month_max_minor)))
                    IS NOT TRUE THEN 'month' END,
               CASE WHEN ((r.robot OR (h.currency IS DISTINCT FROM r.currency OR (
                   (h.day_max_minor IS NULL OR o.amount_to_pay_minor
                        + CASE WHEN h.day_on = ANY (days) THEN h.day_used_minor ELSE 0 END <= h.day_max_minor)
                   AND (h.day_count_max IS NULL
                        OR 1 + CASE WHEN h.day_on = ANY (days) THEN h.day_count ELSE 0 END <= h.day_count_max)
                   AND (h.month_max_minor IS NULL OR o.amount_to_pay_minor
                        + CASE WHEN h.month_on = ANY (months) THEN h.month_used_minor ELSE 0 END
                        <= h.month_max_minor)))))
                    IS NOT TRUE THEN 'holder' END,
               CASE WHEN ((r.robot OR t.open_orders < t.open_orders_max))
                    IS NOT TRUE THEN 'trader_slots' END,
               CASE WHEN ((r.robot OR r.open_orders < r.open_orders_max))
                    IS NOT TRUE THEN 'slots' END,
               CASE WHEN ((r.robot OR (r.quarantined_at IS NULL OR (r.open_orders = 0
                    AND o.amount_to_pay_minor <= greatest(r.min_minor, r.max_minor / 10)))))
                    IS NOT TRUE THEN 'quarantine' END,
               CASE WHEN ((r.robot OR (r.cool_until IS NULL OR r.cool_until <= at)))
                    IS NOT TRUE THEN 'cooldown' END,
               CASE WHEN ((r.robot OR (t.open_max_minor IS NULL
                    OR t.open_minor + coalesce(o.settlement_minor, 0) <= t.open_max_minor)))
                    IS NOT TRUE THEN 'trader_open' END,
               CASE WHEN ((r.robot OR (t.disputed_max_minor IS NULL OR (SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
                 WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live) < t.disputed_max_minor)))
                    IS NOT TRUE THEN 'trader_disputed' END,
               CASE WHEN ((r.robot OR coalesce(o.amount_to_pay_minor <= (bank_rooms ->> (r.bank || ' ' || r.currency))::bigint, true)))
                    IS NOT TRUE THEN 'bank_cap' END,
               CASE WHEN ((r.robot OR (NOT o.needs_collateral OR EXISTS (
                   SELECT 1 FROM accounts c JOIN balances b ON b.account_id = c.id
                    WHERE c.owner_kind = 'trader' AND c.purpose = 'available'
                      AND c.currency = o.settlement_currency AND c.live = o.live
                      AND c.owner_id = r.trader_id
                      AND b.credits_minor - b.debits_minor >= o.settlement_minor))))
                    IS NOT TRUE THEN 'collateral' END,
               CASE WHEN ((r.robot OR (NOT o.one_amount OR NOT (
                   EXISTS (SELECT 1 FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor
                           AND p.requisite_id = r.id)
                   OR EXISTS (SELECT 1 FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
                              AND k.requisite_id = r.id)))))
                    IS NOT TRUE THEN 'same_amount' END], NULL),
           CASE WHEN o.one_amount THEN (
               SELECT max(k.until) FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
                  AND k.requisite_id = r.id) END
      FROM unnest(ids, needed) AS a (id, settlement_minor)
      JOIN requisites r ON r.id = a.id
      JOIN traders t ON t.id = r.trader_id
      JOIN holders h ON h.id = r.holder_id
     CROSS JOIN LATERAL (
           SELECT d.direction, d.needs_collateral, d.one_amount AND r.min_minor = r.max_minor AS one_amount,
                  r.live, r.currency, r.method, r.min_minor AS amount_to_pay_minor, t.settlement_currency,
                  a.settlement_minor
             FROM direction_rules d WHERE CASE d.direction WHEN 'payin' THEN r.payin ELSE r.payout END) o
      LEFT JOIN LATERAL (
           SELECT v.id, least(o.settlement_minor, v.reward_fixed_minor
                  + half_even(o.settlement_minor::numeric * v.reward_bps / 10000)) AS reward_minor
             FROM rewards v
            WHERE v.direction = o.direction AND v.valid_from <= at AND (v.retired_at IS NULL OR v.retired_at > at)
              AND (v.method IS NULL OR v.method = o.method)
              AND (v.currency IS NULL OR v.currency = o.currency)
              AND (v.from_minor IS NULL OR v.from_minor <= o.amount_to_pay_minor)
              AND (v.to_minor IS NULL OR v.to_minor >= o.amount_to_pay_minor)
              AND v.trader_id = r.trader_id
            ORDER BY v.method IS NULL, v.currency IS NULL, coalesce(v.to_minor, 9223372036854775807) - coalesce(v.from_minor, 0), v.created_at DESC, v.id DESC LIMIT 1) w ON true;
END $$;

-- How many live requisites could take an order of each size now, of the wanted direction (bands of orders/coverage/bands.py): `able` pass every
-- rule that is not of one order, for the smallest amount of the band that they take; `there` are approved for it.
-- Given by currency and settlement currency: minor units to one, and settlement minor units for one minor unit.
CREATE FUNCTION coverage_now(currencies text[], settlements text[], units bigint[], per numeric[], at timestamptz,
                             day date, wanted text)
    RETURNS TABLE (currency text, method text, bank text, band int, able bigint, there bigint)
    LANGUAGE plpgsql STABLE ROWS 200 AS $$
DECLARE
    days date[] := ARRAY[day, day + 1];
    months date[] := ARRAY[date_trunc('month', day)::date, (date_trunc('month', day) + interval '1 month')::date];
    bank_rooms jsonb := bank_rooms();  -- of banks with a cap
    paused_banks text[] := ARRAY(SELECT p.target FROM desk_pauses p WHERE p.scope = 'bank' AND p.ended_at IS NULL
                                    AND p.began_at <= at AND p.ends_at > at);
BEGIN
    RETURN QUERY
    WITH every AS MATERIALIZED (  -- once each, not once a requisite
        SELECT g.currency, g.settlement, g.per, n AS band,
               CASE WHEN n = 0 THEN 1 ELSE (1 + n % 2 * 2) * 10::numeric ^ (n / 2) * g.unit END::bigint AS least,
               CASE WHEN n = 17 THEN 9223372036854775807
                    ELSE (1 + (n + 1) % 2 * 2) * 10::numeric ^ ((n + 1) / 2) * g.unit END::bigint AS below
          FROM unnest(currencies, settlements, units, per) AS g (currency, settlement, unit, per)
         CROSS JOIN generate_series(0, 17) AS n)
    SELECT x.currency, x.method, x.bank, x.band, count(*) FILTER (WHERE x.able), count(*) FROM (
    SELECT r.currency, r.method, r.bank, q.band, (
               r.status = 'active'
               AND t.status = 'active'
               AND t.unsecured = 0
               AND (CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END)
               AND (r.robot OR NOT coalesce(r.bank = ANY (paused_banks), false))
               AND t.on_shift
               AND (r.robot OR NOT r.off_hours)
               AND w.id IS NOT NULL
               AND (r.robot OR (
                   (r.day_max_minor IS NULL OR o.amount_to_pay_minor
                        + CASE WHEN r.day_on = ANY (days) THEN r.day_used_minor ELSE 0 END <= r.day_max_minor)
                   AND (r.day_count_max IS NULL
                        OR 1 + CASE WHEN r.day_on = ANY (days) THEN r.day_count ELSE 0 END <= r.day_count_max)
                   AND (r.month_max_minor IS NULL OR o.amount_to_pay_minor
                        + CASE WHEN r.month_on = ANY (months) THEN r.month_used_minor ELSE 0 END
                        <= r.month_max_minor)
                   AND (h.currency IS DISTINCT FROM r.currency OR (
                       (h.day_max_minor IS NULL OR o.amount_to_pay_minor
                            + CASE WHEN h.day_on = ANY (days) THEN h.day_used_minor ELSE 0 END <= h.day_max_minor)
                       AND (h.day_count_max IS NULL
                            OR 1 + CASE WHEN h.day_on = ANY (days) THEN h.day_count ELSE 0 END <= h.day_count_max)
                       AND (h.month_max_minor IS NULL OR o.amount_to_pay_minor
                            + CASE WHEN h.month_on = ANY (months) THEN h.month_used_minor ELSE 0 END
                            <= h.month_max_minor)))
                   AND t.open_orders < t.open_orders_max
                   AND r.open_orders < r.open_orders_max
                   AND (r.quarantined_at IS NULL OR (r.open_orders = 0
                        AND o.amount_to_pay_minor <= greatest(r.min_minor, r.max_minor / 10)))
                   AND (r.cool_until IS NULL OR r.cool_until <= at)
                   AND (t.open_max_minor IS NULL
                        OR t.open_minor + coalesce(o.settlement_minor, 0) <= t.open_max_minor)
                   AND (t.disputed_max_minor IS NULL OR (SELECT coalesce(sum(q.settlement_minor), 0) FROM disputes d JOIN orders q ON q.id = d.order_id
                     WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live) < t.disputed_max_minor)
                   AND coalesce(o.amount_to_pay_minor <= (bank_rooms ->> (r.bank || ' ' || r.currency))::bigint, true)
                   AND (NOT o.needs_collateral OR coalesce(f.minor >= o.settlement_minor, false))
                   AND (NOT o.one_amount OR NOT (
                       EXISTS (SELECT 1 FROM open_places p WHERE p.amount_minor = o.amount_to_pay_minor
                               AND p.requisite_id = r.id)
                       OR EXISTS (SELECT 1 FROM kept_amounts k WHERE k.until > at AND k.amount_minor = o.amount_to_pay_minor
                                  AND k.requisite_id = r.id)))))) AS able
      FROM requisites r
      JOIN traders t ON t.id = r.trader_id
      JOIN holders h ON h.id = r.holder_id
      LEFT JOIN (  -- once a trader, not once a size of each of his requisites
           SELECT c.owner_id, c.currency, b.credits_minor - b.debits_minor AS minor
             FROM accounts c JOIN balances b ON b.account_id = c.id
            WHERE c.owner_kind = 'trader' AND c.purpose = 'available' AND c.live) f
           ON f.owner_id = r.trader_id AND f.currency = t.settlement_currency
     CROSS JOIN LATERAL (
           SELECT * FROM every e WHERE e.currency = r.currency AND e.settlement = t.settlement_currency
                                   AND e.least <= r.max_minor AND e.below > r.min_minor OFFSET 0) q
     CROSS JOIN LATERAL (
           SELECT d.direction, d.needs_collateral, false AS one_amount, r.live, r.currency, r.method,
                  greatest(q.least, r.min_minor) AS amount_to_pay_minor, t.settlement_currency,
                  ceil(greatest(q.least, r.min_minor) * q.per)::bigint AS settlement_minor
             FROM direction_rules d WHERE d.direction = wanted) o
      LEFT JOIN LATERAL (
           SELECT v.id, least(o.settlement_minor, v.reward_fixed_minor
                  + half_even(o.settlement_minor::numeric * v.reward_bps / 10000)) AS reward_minor
             FROM rewards v
            WHERE v.direction = o.direction AND v.valid_from <= at AND (v.retired_at IS NULL OR v.retired_at > at)
              AND (v.method IS NULL OR v.method = o.method)
              AND (v.currency IS NULL OR v.currency = o.currency)
              AND (v.from_minor IS NULL OR v.from_minor <= o.amount_to_pay_minor)
              AND (v.to_minor IS NULL OR v.to_minor >= o.amount_to_pay_minor)
              AND v.trader_id = r.trader_id LIMIT 1) w ON true  -- whichever: that there is one
     WHERE r.live AND NOT r.robot AND r.status = 'active'
       AND CASE wanted WHEN 'payin' THEN r.payin ELSE r.payout END OFFSET 0) x
     GROUP BY x.currency, x.method, x.bank, x.band;
END $$;
