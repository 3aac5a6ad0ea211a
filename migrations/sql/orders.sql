-- Orders: choosing a requisite.

CREATE FUNCTION half_even(value numeric) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    -- ties to the even one, as core.money.half_even
    RETURN CASE WHEN abs(value - trunc(value)) = 0.5
                THEN (2 * round(value / 2))::bigint ELSE round(value)::bigint END;

-- Who may take an order at all, but for locks and collateral: the filters of the spec, in one place for the pick and
-- for the funnel. Counters count for `day` and its month; those of another day read as zero.
CREATE FUNCTION window_open(used_on date, used bigint, most bigint, amount bigint, present date) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN most IS NULL OR (CASE WHEN used_on = present THEN used ELSE 0 END) + amount <= most;

CREATE FUNCTION windows_open(r requisites, h holders, amount bigint, day date) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN r.robot OR (
        window_open(r.day_on, r.day_used_minor, r.day_max_minor, amount, day)
        AND window_open(r.day_on, r.day_count, r.day_count_max, 1, day)
        AND window_open(r.month_on, r.month_used_minor, r.month_max_minor, amount, date_trunc('month', day)::date)
        AND (h.currency IS DISTINCT FROM r.currency OR (
            window_open(h.day_on, h.day_used_minor, h.day_max_minor, amount, day)
            AND window_open(h.day_on, h.day_count, h.day_count_max, 1, day)
            AND window_open(h.month_on, h.month_used_minor, h.month_max_minor, amount,
                            date_trunc('month', day)::date))));

CREATE FUNCTION slots_open(r requisites, t traders, at timestamptz) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN r.robot OR (r.open_orders < r.open_orders_max AND t.open_orders < t.open_orders_max
                       AND (r.cool_until IS NULL OR r.cool_until <= at));

-- The reward of a trader for an order: the rule that names the method before one for any, the newer before the older.
CREATE FUNCTION reward_of(trader uuid, wanted_direction text, wanted_method text, settlement bigint)
    RETURNS TABLE (reward_id uuid, reward_minor bigint) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT w.id, least(settlement, half_even(settlement::numeric * w.reward_bps / 10000) + w.reward_fixed_minor)
      FROM rewards w
     WHERE w.trader_id = trader AND w.direction = wanted_direction AND w.retired_at IS NULL
       AND (w.method IS NULL OR w.method = wanted_method)
     ORDER BY w.method IS NULL, w.created_at DESC, w.id DESC LIMIT 1
$$;

-- Choose a requisite for each order, take its place and count it. The caller holds the orders' locks and posts the
-- collateral afterwards, in the same transaction. `passed`: candidates that fell out under the lock.
--
-- Along the lanes of the amount's band, tier by tier, from the cursor on and then the lap from its start. The locked row
-- is judged again (EvalPlanQual); what lies on other rows (same amount, collateral) is looked at anew under the lock, in
-- a statement and so a snapshot of its own. Everything a taken order changes is seen by the next order of the batch.
CREATE FUNCTION pick_requisites(order_ids uuid[], assignment_ids uuid[], at timestamptz, day date)
    RETURNS TABLE (order_id uuid, assignment_id uuid, requisite_id uuid, trader_id uuid, holder_id uuid,
                   robot boolean, reward_id uuid, reward_minor bigint, tier int, passed text[])
    LANGUAGE plpgsql AS $$
DECLARE
    o record;
    lane record;
    found_one record;
    place int := 0;
    start bigint;
    lap int;
    refused uuid[];
    why text;
    used jsonb := '{}';  -- collateral this batch has spoken for, by trader: posted only after all are chosen
    month date := date_trunc('month', day)::date;
BEGIN
    FOR o IN SELECT w.place, q.*, s.reward_may_exceed_fee FROM unnest(order_ids) WITH ORDINALITY AS w (id, place)
             JOIN orders q ON q.id = w.id JOIN stores s ON s.id = q.store_id ORDER BY w.place LOOP
        refused := '{}';
        passed := '{}';
        requisite_id := NULL;
        <<walk>>
        FOR lane IN SELECT l.id, l.tier FROM lanes l
                    WHERE l.direction = o.direction AND l.live = o.live AND l.method = o.method
                      AND l.currency = o.currency AND l.settlement_currency = o.settlement_currency
                      AND l.band = amount_band(o.amount_to_pay_minor) ORDER BY l.tier LOOP
            start := coalesce(pg_sequence_last_value(('lane_cursor_' || lane.id)::regclass), 0);
            lap := 0;
            LOOP
                SELECT m."position", r.id, r.trader_id, r.holder_id, r.robot, w.reward_id, w.reward_minor INTO found_one
                  FROM lane_members m
                  JOIN requisites r ON r.id = m.requisite_id
                  JOIN traders t ON t.id = r.trader_id
                  JOIN holders h ON h.id = r.holder_id
                 CROSS JOIN LATERAL reward_of(r.trader_id, o.direction, o.method, o.settlement_minor) w
                 WHERE m.lane_id = lane.id AND (CASE WHEN lap = 0 THEN m."position" > start ELSE m."position" <= start END)
                   AND r.status = 'active' AND t.status = 'active' AND t.on_shift
                   AND (CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END)
                   AND (o.bank IS NULL OR r.bank = o.bank OR r.robot)
                   AND o.amount_to_pay_minor BETWEEN r.min_minor AND r.max_minor
                   AND windows_open(r, h, o.amount_to_pay_minor, day) AND slots_open(r, t, at)
                   AND (o.reward_may_exceed_fee OR w.reward_minor <= o.fee_minor)
                   AND NOT r.id = ANY (refused)
                   AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.order_id = o.id AND a.trader_id = r.trader_id
                                   AND a.end_reason IN ('declined', 'expired'))
                   AND NOT EXISTS (SELECT 1 FROM open_places p WHERE p.requisite_id = r.id
                                   AND p.amount_minor = o.amount_to_pay_minor)
                   AND (r.robot OR EXISTS (
                        SELECT 1 FROM accounts c JOIN balances b ON b.account_id = c.id
                         WHERE c.owner_kind = 'trader' AND c.owner_id = r.trader_id AND c.purpose = 'available'
                           AND c.currency = o.settlement_currency AND c.live = o.live
                           AND b.credits_minor - b.debits_minor - coalesce((used ->> r.trader_id::text)::bigint, 0)
                               >= o.settlement_minor))
                 ORDER BY m."position" LIMIT 1
                   FOR NO KEY UPDATE OF r, h, t SKIP LOCKED;
                IF NOT FOUND THEN
                    EXIT WHEN lap = 1 OR start = 0;
                    lap := 1;
                    CONTINUE;
                END IF;
                why := CASE
                    WHEN found_one.robot THEN NULL
                    WHEN EXISTS (SELECT 1 FROM open_places p WHERE p.requisite_id = found_one.id
                                 AND p.amount_minor = o.amount_to_pay_minor) THEN 'same_amount'
                    WHEN NOT EXISTS (
                        SELECT 1 FROM accounts c JOIN balances b ON b.account_id = c.id
                         WHERE c.owner_kind = 'trader' AND c.owner_id = found_one.trader_id AND c.purpose = 'available'
                           AND c.currency = o.settlement_currency AND c.live = o.live
                           AND b.credits_minor - b.debits_minor
                               - coalesce((used ->> found_one.trader_id::text)::bigint, 0) >= o.settlement_minor)
                        THEN 'collateral' END;
                IF why IS NOT NULL THEN
                    refused := refused || found_one.id;
                    passed := passed || why;
                    CONTINUE;
                END IF;
                PERFORM setval(('lane_cursor_' || lane.id)::regclass, found_one."position");
                order_id := o.id;
                assignment_id := assignment_ids[o.place];
                requisite_id := found_one.id;
                trader_id := found_one.trader_id;
                holder_id := found_one.holder_id;
                robot := found_one.robot;
                reward_id := found_one.reward_id;
                reward_minor := found_one.reward_minor;
                tier := lane.tier;
                EXIT walk;
            END LOOP;
        END LOOP;
        CONTINUE WHEN requisite_id IS NULL;

        used := used || jsonb_build_object(trader_id::text,
                    coalesce((used ->> trader_id::text)::bigint, 0) + o.settlement_minor);
        UPDATE requisites r SET open_orders = r.open_orders + 1,
               day_used_minor = CASE WHEN r.day_on = day THEN r.day_used_minor ELSE 0 END + o.amount_to_pay_minor,
               day_count = CASE WHEN r.day_on = day THEN r.day_count ELSE 0 END + 1, day_on = day,
               month_used_minor = CASE WHEN r.month_on = month THEN r.month_used_minor ELSE 0 END
                                  + o.amount_to_pay_minor, month_on = month,
               cool_until = CASE WHEN r.cooldown_s > 0 AND NOT r.robot
                                 THEN at + make_interval(secs => r.cooldown_s) END
         WHERE r.id = pick_requisites.requisite_id;
        UPDATE holders h SET
               day_used_minor = CASE WHEN h.day_on = day THEN h.day_used_minor ELSE 0 END + o.amount_to_pay_minor,
               day_count = CASE WHEN h.day_on = day THEN h.day_count ELSE 0 END + 1, day_on = day,
               month_used_minor = CASE WHEN h.month_on = month THEN h.month_used_minor ELSE 0 END
                                  + o.amount_to_pay_minor, month_on = month
         WHERE h.id = pick_requisites.holder_id AND NOT pick_requisites.robot
           AND h.currency IS NOT DISTINCT FROM o.currency;
        UPDATE traders t SET open_orders = t.open_orders + 1 WHERE t.id = pick_requisites.trader_id;
        INSERT INTO assignments (id, order_id, requisite_id, trader_id, holder_id, state, amount_minor,
                                 settlement_minor, settlement_currency, reward_minor, reward_id, counted_on, expires_at,
                                 created_at)
        SELECT pick_requisites.assignment_id, o.id, pick_requisites.requisite_id, pick_requisites.trader_id,
               pick_requisites.holder_id, 'open', o.amount_to_pay_minor, o.settlement_minor, o.settlement_currency,
               pick_requisites.reward_minor, pick_requisites.reward_id, day,
               at + make_interval(secs => s.pay_for_s), at
          FROM stores s WHERE s.id = o.store_id;
        INSERT INTO open_places (assignment_id, requisite_id, trader_id, order_id, amount_minor)
        VALUES (pick_requisites.assignment_id, pick_requisites.requisite_id, pick_requisites.trader_id, o.id,
                CASE WHEN pick_requisites.robot THEN NULL ELSE o.amount_to_pay_minor END);
        RETURN NEXT;
    END LOOP;
END $$;

-- How many candidates are left after each filter, in the order of the spec. One pass over the requisites.
CREATE FUNCTION matching_funnel(wanted uuid, at timestamptz, day date) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH o AS (SELECT q.*, s.reward_may_exceed_fee FROM orders q JOIN stores s ON s.id = q.store_id WHERE q.id = wanted),
    step AS (
        SELECT true AS c0, r.currency = o.currency AND t.settlement_currency = o.settlement_currency AS c1,
               r.method = o.method AS c2, o.bank IS NULL OR r.bank = o.bank OR r.robot AS c3,
               r.status = 'active' AND t.status = 'active'
                 AND (CASE o.direction WHEN 'payin' THEN r.payin AND t.payin ELSE r.payout AND t.payout END) AS c4,
               t.on_shift AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.order_id = o.id
                 AND a.trader_id = r.trader_id AND a.end_reason IN ('declined', 'expired')) AS c5,
               o.amount_to_pay_minor BETWEEN r.min_minor AND r.max_minor
                 AND EXISTS (
                     SELECT 1 FROM reward_of(r.trader_id, o.direction, o.method, o.settlement_minor) w
                     WHERE o.reward_may_exceed_fee OR w.reward_minor <= o.fee_minor) AS c6,
               windows_open(r, h, o.amount_to_pay_minor, day) AS c7, slots_open(r, t, at) AS c8,
               r.robot OR coalesce((SELECT b.credits_minor - b.debits_minor FROM accounts c
                 JOIN balances b ON b.account_id = c.id WHERE c.owner_kind = 'trader' AND c.owner_id = r.trader_id
                 AND c.purpose = 'available' AND c.currency = o.settlement_currency AND c.live = o.live), 0)
                 >= o.settlement_minor AS c9,
               r.robot OR NOT EXISTS (SELECT 1 FROM open_places p WHERE p.requisite_id = r.id
                 AND p.amount_minor = o.amount_to_pay_minor) AS c10
          FROM o JOIN requisites r ON r.live = o.live JOIN traders t ON t.id = r.trader_id
          JOIN holders h ON h.id = r.holder_id)
    SELECT jsonb_build_object(
        'all', count(*), 'currency', count(*) FILTER (WHERE c1), 'method', count(*) FILTER (WHERE c1 AND c2),
        'bank', count(*) FILTER (WHERE c1 AND c2 AND c3), 'approved', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4),
        'on_shift', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4 AND c5),
        'amount', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4 AND c5 AND c6),
        'windows', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4 AND c5 AND c6 AND c7),
        'slots', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4 AND c5 AND c6 AND c7 AND c8),
        'collateral', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4 AND c5 AND c6 AND c7 AND c8 AND c9),
        'same_amount', count(*) FILTER (WHERE c1 AND c2 AND c3 AND c4 AND c5 AND c6 AND c7 AND c8 AND c9 AND c10))
      FROM step
$$;
