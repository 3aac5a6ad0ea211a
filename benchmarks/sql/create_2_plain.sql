-- The prototypes' create: order and outbox row, idempotent, two statements.
\set store random(1, 200)
\set amount random(50000, 450000)
\set k random(1, 9000000000000000)
\set m random(0, 3)
BEGIN;
INSERT INTO plain.orders (store_id, idem_key, body_hash, merchant_ref, method, currency, amount, expires_at, meta) VALUES (:store, 'k' || :k, '\x0102030405060708', :k::text, :m, 'RUB', :amount, now() + interval '30 min', '{"return_url": "https://shop.example/r", "customer": "c-1"}') ON CONFLICT (store_id, idem_key) DO NOTHING RETURNING id \gset
INSERT INTO plain.outbox (topic, order_id, payload) VALUES (1, :id, jsonb_build_object('order_id', :id::bigint, 'event', 'payin.created', 'amount', :amount::bigint));
COMMIT;
