-- The yardstick of G1: an order and its job, idempotent, as two statements of one transaction on the desk's own tables.
\set store random(1, :stores)
\set amount random(50000, 450000)
\set k random(1, 9000000000000000)
BEGIN;
INSERT INTO orders (id, direction, live, store_id, external_id, idempotency_key, request_hash, status, version, currency, amount_minor, amount_to_pay_minor, late, method, return_url, meta, settlement_currency, settlement_minor, fee_minor, rate, rate_at, rate_id, tariff_id, created_at, match_by, tries, steps) SELECT uuidv7(), 'payin', true, s.id, :k::text, 'k' || :k, '\x0102030405060708', 'new', 1, 'RUB', :amount, :amount, false, 'card', 'https://shop.example/r', '{"customer": "c-1"}', 'USDT', :amount * 108, :amount, 92, now(), s.id, s.id, now(), now() + interval '3 min', 0, '[]' FROM bench_stores s WHERE s.number = :store ON CONFLICT DO NOTHING RETURNING id \gset
INSERT INTO jobs (kind, reference, unique_key, run_at, created_at) VALUES ('match_order', :id, :id, now(), now());
COMMIT;
