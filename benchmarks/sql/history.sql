-- :orders orders of the last 28 days behind a filled desk, with their books: mostly completed, the newest 2,000 open.
-- Written as the superuser past triggers and foreign keys, so that a million takes minutes; the sums are those the
-- services would have come to (bin/flask ledger verify finds nothing). Steps of single orders (events, tries) are written for the newest 20,000.
SET work_mem = '768MB';
SET maintenance_work_mem = '512MB';
SET synchronous_commit = off;
SET statement_timeout = 0;

INSERT INTO accounts (owner_kind, owner_id, purpose, currency, live)
SELECT 'trader', id, 'held', 'USDT', true FROM traders WHERE NOT robot UNION ALL
SELECT 'store', id, 'available', 'USDT', true FROM stores UNION ALL
SELECT 'platform', '00000000-0000-0000-0000-000000000000', 'fees', 'USDT', true
ON CONFLICT DO NOTHING;
SET session_replication_role = replica;

CREATE TEMP TABLE instrument AS
SELECT row_number() OVER (ORDER BY r.id) - 1 AS place, count(*) OVER () AS most, r.id, r.trader_id, r.holder_id, w.id AS reward_id
  FROM requisites r JOIN rewards w ON w.trader_id = r.trader_id AND w.direction = 'payin'
 WHERE r.max_minor < 200000000 AND r.live;
CREATE UNIQUE INDEX ON instrument (place);
CREATE TEMP TABLE shop AS SELECT row_number() OVER (ORDER BY s.id) - 1 AS place, count(*) OVER () AS most, s.id, t.id AS tariff_id
  FROM stores s JOIN tariffs t ON t.store_id = s.id AND t.direction = 'payin';
ANALYZE instrument;
ANALYZE shop;

CREATE TEMP TABLE h AS
SELECT g, b.at, f.amount, f.settled, f.settled / 40 AS fee, f.settled / 100 AS reward, s.id AS store_id, s.tariff_id,
       i.id AS requisite_id, i.trader_id, i.holder_id, i.reward_id, b.fate,
       (b.stamp || substr(md5(g || 'order'), 1, 20))::uuid AS order_id,
       (b.stamp || substr(md5(g || 'assignment'), 1, 20))::uuid AS assignment_id
  FROM generate_series(1, :orders) g
 CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', now() - (:orders - g) * (interval '28 days' / :orders)) AS at) a
 CROSS JOIN LATERAL (SELECT a.at, lpad(to_hex((extract(epoch FROM a.at) * 1000)::bigint), 12, '0') AS stamp,
        CASE WHEN g > :orders - 2000 THEN CASE WHEN g % 100 = 7 THEN 'retrying' WHEN g % 3 = 0 THEN 'paid' ELSE 'assigned' END
             WHEN g % 50 = 1 THEN 'failed' WHEN g % 33 = 2 THEN 'cancelled' WHEN g % 20 = 3 THEN 'expired'
             ELSE 'completed' END AS fate) b
 CROSS JOIN LATERAL (SELECT 100000 + (g::bigint * 7919) % 390000 AS amount) d
 CROSS JOIN LATERAL (SELECT d.amount, d.amount * 10000 / 92 AS settled) f
  JOIN shop s ON s.place = CASE WHEN g % 10 < 3 THEN 0 ELSE g % (SELECT max(most) FROM shop) END
  JOIN instrument i ON i.place = CASE WHEN g > :orders - 2000 AND g % 20 = 0 THEN (g / 20) % 20 ELSE (g::bigint * 31) % (SELECT max(most) FROM instrument) END;
ANALYZE h;

INSERT INTO orders (id, direction, live, store_id, external_id, idempotency_key, request_hash, status, version, currency,
    amount_minor, amount_to_pay_minor, amount_received_minor, exactness, late, method, customer_id, customer_name, meta,
    settlement_currency, settlement_minor, fee_minor, final_settlement_minor, final_fee_minor, final_reward_minor, rate, rate_at, rate_id, tariff_id, created_at, match_by,
    next_attempt_at, assigned_at, expires_at, paid_at, confirm_by, confirmed_at, completed_at, ended_at, failure_code,
    assignment_id, tries, steps)
SELECT order_id, 'payin', true, store_id, 'h-' || g, 'h-' || g, decode(md5(g::text), 'hex'), fate,
    CASE fate WHEN 'completed' THEN 5 WHEN 'assigned' THEN 2 ELSE 3 END, 'RUB', amount, amount,
    CASE fate WHEN 'completed' THEN amount END, CASE fate WHEN 'completed' THEN 'exact' END, false, 'card',
    'c-' || g % 100000, CASE WHEN g % 7 = 0 THEN 'Customer ' || g % 100000 END, '{"cart": "77"}', 'USDT', settled, fee,
    CASE fate WHEN 'completed' THEN settled END, CASE fate WHEN 'completed' THEN fee END,
    CASE fate WHEN 'completed' THEN reward END, 92, at, (SELECT id FROM rates LIMIT 1), tariff_id, at, at + interval '3 min',
    CASE fate WHEN 'retrying' THEN now() + interval '1 day' END,
    CASE WHEN fate NOT IN ('failed', 'retrying') THEN at + interval '1 s' END,
    CASE WHEN fate NOT IN ('failed', 'retrying') THEN CASE WHEN g > :orders - 2000 THEN now() + interval '1 day' ELSE at + interval '15 min' END END,
    CASE WHEN fate IN ('completed', 'paid') THEN at + interval '2 min' END,
    CASE WHEN fate IN ('completed', 'paid') THEN CASE WHEN fate = 'paid' THEN now() + interval '1 day' ELSE at + interval '32 min' END END,
    CASE fate WHEN 'completed' THEN at + interval '3 min' END, CASE fate WHEN 'completed' THEN at + interval '181 s' END,
    CASE WHEN fate IN ('completed', 'cancelled', 'expired', 'failed') THEN at + interval '181 s' END,
    CASE fate WHEN 'failed' THEN 'no_requisite' END,
    CASE WHEN fate NOT IN ('failed', 'retrying') THEN assignment_id END, 1,
    jsonb_build_array(jsonb_build_array('payin.new', at), jsonb_build_array('payin.' || fate, at + interval '181 s'))
  FROM h ORDER BY g;

INSERT INTO assignments (id, order_id, requisite_id, trader_id, holder_id, state, end_reason, amount_minor, settlement_minor,
    settlement_currency, reward_minor, reward_id, counted_on, expires_at, created_at, ended_at)
SELECT assignment_id, order_id, requisite_id, trader_id, holder_id,
    CASE WHEN fate IN ('assigned', 'paid') THEN 'open' ELSE 'ended' END,
    CASE fate WHEN 'completed' THEN 'settled' WHEN 'expired' THEN 'expired' WHEN 'cancelled' THEN 'cancelled' END, amount, settled,
    'USDT', reward, reward_id, at::date, CASE WHEN g > :orders - 2000 THEN now() + interval '1 day' ELSE at + interval '15 min' END,
    at, CASE WHEN fate NOT IN ('assigned', 'paid') THEN at + interval '181 s' END
  FROM h WHERE fate NOT IN ('failed', 'retrying') ORDER BY g;

INSERT INTO open_places (assignment_id, requisite_id, trader_id, order_id, amount_minor)
SELECT assignment_id, requisite_id, trader_id, order_id, amount FROM h WHERE fate IN ('assigned', 'paid') ON CONFLICT DO NOTHING;
UPDATE requisites r SET open_orders = o.n FROM (SELECT requisite_id, count(*) AS n FROM open_places GROUP BY 1) o WHERE o.requisite_id = r.id;
UPDATE traders t SET open_orders = o.n FROM (SELECT trader_id, count(*) AS n FROM open_places GROUP BY 1) o WHERE o.trader_id = t.id;

INSERT INTO order_events (id, created_at, order_id, version, type, action, from_status, to_status, actor_kind, actor_name, details)
SELECT gen_random_uuid(), h.at + e.version * interval '1 s', h.order_id, e.version, 'payin.' || e.status, e.action, e.before, e.status,
       'system', 'system', '{}'
  FROM h JOIN (VALUES (1, 'new', NULL, NULL), (2, 'assigned', 'match', 'new'), (3, 'paid', 'mark_paid', 'assigned'),
               (4, 'confirmed', 'confirm', 'paid'), (5, 'completed', 'settle', 'confirmed')) AS e (version, status, action, before)
    ON e.version = 1 OR h.fate = 'completed' OR (h.fate IN ('assigned', 'paid') AND e.version = 2) OR (h.fate = 'paid' AND e.version = 3)
 WHERE h.g > :orders - 20000;
INSERT INTO match_tries (created_at, order_id, number, outcome, assignment_id, funnel, fell_out)
SELECT at, order_id, 1, 'assigned', assignment_id, '{"tier": 1}', '{}' FROM h WHERE g > :orders - 20000 AND fate NOT IN ('failed', 'retrying');
INSERT INTO jobs_done (id, done_at, kind, reference, unique_key, attempts, lost, created_at)
SELECT nextval(pg_get_serial_sequence('jobs', 'id')), at, 'match_order', order_id, order_id::text, 0, 0, at FROM h WHERE g > :orders - 20000;

CREATE TEMP TABLE a AS
SELECT id, owner_kind, owner_id, purpose, credits_minor - debits_minor AS opening
  FROM accounts JOIN balances ON account_id = id WHERE currency = 'USDT' AND live;
ANALYZE a;
CREATE TEMP TABLE p AS
SELECT row_number() OVER (ORDER BY g, l.entry, l.line) AS posting, h.g, l.entry, l.debit, l.credit, l.amount
  FROM h
  JOIN a ta ON ta.owner_id = h.trader_id AND ta.purpose = 'available'
  JOIN a th ON th.owner_id = h.trader_id AND th.purpose = 'held'
  JOIN a sa ON sa.owner_id = h.store_id AND sa.purpose = 'available'
 CROSS JOIN (SELECT id FROM a WHERE purpose = 'fees') fees
 CROSS JOIN LATERAL (VALUES (1, 1, ta.id, th.id, h.settled, true),
        (2, 1, th.id, ta.id, h.settled, h.fate IN ('expired', 'cancelled')),
        (2, 1, th.id, sa.id, h.settled - h.fee, h.fate = 'completed'), (2, 2, th.id, ta.id, h.reward, h.fate = 'completed'),
        (2, 3, th.id, fees.id, h.fee - h.reward, h.fate = 'completed')) AS l (entry, line, debit, credit, amount, happens)
 WHERE l.happens AND h.fate NOT IN ('failed', 'retrying');

CREATE TEMP TABLE entry AS
SELECT nextval(pg_get_serial_sequence('journal_entries', 'id')) AS id, e.* FROM (
    SELECT h.g, k.entry, CASE WHEN k.entry = 1 THEN 'payin_hold' WHEN h.fate = 'completed' THEN 'payin_settle' ELSE 'payin_release' END AS kind,
           CASE WHEN k.entry = 2 AND h.fate = 'completed' THEN h.order_id ELSE h.assignment_id END AS reference,
           h.at + k.entry * interval '1 s' AS at
      FROM h CROSS JOIN (VALUES (1), (2)) AS k (entry)
     WHERE h.fate NOT IN ('failed', 'retrying') AND (k.entry = 1 OR h.fate IN ('completed', 'expired', 'cancelled'))
     ORDER BY h.g, k.entry) e;
ANALYZE entry;
ANALYZE p;
INSERT INTO journal_entries (id, kind, reference, actor_kind, actor_name, posted_at) OVERRIDING SYSTEM VALUE
SELECT id, kind, reference, 'system', 'system', at FROM entry ORDER BY id;

CREATE TEMP TABLE moved AS
SELECT posting, side, sum(amount) OVER (PARTITION BY account ORDER BY posting, side ROWS UNBOUNDED PRECEDING) + a.opening AS after
  FROM (SELECT posting, 1 AS side, debit AS account, -amount AS amount FROM p
        UNION ALL SELECT posting, 2, credit, amount FROM p) m JOIN a ON a.id = m.account;
ANALYZE moved;
INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor, credit_after_minor)
SELECT e.id, p.debit, p.credit, 'USDT', true, p.amount, d.after, c.after
  FROM p JOIN entry e ON e.g = p.g AND e.entry = p.entry
  JOIN moved d ON d.posting = p.posting AND d.side = 1 JOIN moved c ON c.posting = p.posting AND c.side = 2
 ORDER BY p.posting;
UPDATE balances b SET debits_minor = debits_minor + m.debited, credits_minor = credits_minor + m.credited
  FROM (SELECT account, sum(debited) AS debited, sum(credited) AS credited FROM (
            SELECT debit AS account, amount AS debited, 0 AS credited FROM p UNION ALL SELECT credit, 0, amount FROM p) s
         GROUP BY account) m WHERE m.account = b.account_id;

DROP TABLE instrument, shop, h, a, p, entry, moved;
RESET ALL;
