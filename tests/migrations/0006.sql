-- What came to it until the version before 0007. BYTES(…) stands for bytes in hexadecimal digits.
INSERT INTO upsell_showing (tenant_id, id, place, cart_id, arm, source, outcome, call_id, suggestions, created_at)
VALUES ('north', 's-2', 5, 'c-open', 'model', 'rules', 'not ready', NULL, '[]', '2026-11-01 10:00:00');

INSERT INTO upsell_call (tenant_id, id, place, cart_id, outcome, suggestions, model, prompt, response, prompt_tokens, completion_tokens, latency_ms, created_at, prompt_version, language, cost, dropped)
VALUES
  ('north', 'prep', 6, 'prepare', 'ok', '[]', 'm', '?', '!', 1, 2, 3, '2026-11-01 10:00:00', 'prepare-1', 'en', 40, '{"too_long": 1}'),
  ('north', 'eval', 7, 'evaluate', 'not json', '[]', 'm', '?', '!', 1, 2, 3, '2026-11-01 10:00:00', '2', 'en', NULL, '{}'),
  ('north', 'early', 8, 'c-open', 'ok', '[]', 'm', '?', '!', 1, 2, 3, '2026-11-01 10:00:00', '2', 'en', NULL, '{"unknown product": 2, "e-mail": 1}');

INSERT INTO upsell_answer (tenant_id, key, same_cart, cart_id, asked_at, answered_at)
VALUES ('north', 'k', 'h', 'c-open', '2026-11-01 10:00:00', '2026-11-01 10:00:00');

INSERT INTO upsell_usage (tenant_id, day, calls, tokens, cost)
VALUES ('north', '2026-11-01', 2, 6, 40);

INSERT INTO upsell_exposure (tenant_id, cart_id, shopper, arm, shares, created_at)
VALUES ('north', 'c-open', 'ada', 'rules', '{"rules": 1.0}', '2026-11-01 10:00:00');

INSERT INTO product_affinity (tenant_id, product_id, number, orders, prepared, together, alike)
VALUES
  ('north', 'beans', 0, 1, 'abc', BYTES(78016364606078c1ccc0c0c80000059500ee), BYTES(010000000080)),
  ('north', 'cup', 1, 1, '', BYTES(78016360606078c1ccc0c0c80000058b00ed), BYTES());

INSERT INTO group_affinity (tenant_id, name, number, together)
VALUES ('north', 'Coffee', 0, BYTES(00000000e803000000000000));

INSERT INTO complement (tenant_id, product_id, other_id, category, why)
VALUES ('north', 'beans', 'cup', '', 'So.');

INSERT INTO upsell_learned (tenant_id, event, orders, texts)
VALUES ('north', 9, 1, 'digest');

UPDATE product SET names = '{"de": "Steintasse"}' WHERE tenant_id = 'north' AND id = 'cup';

UPDATE tenant SET labels = '{"Cups": {"de": "Tassen"}}' WHERE id = 'north';
