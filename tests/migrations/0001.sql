-- What the shop "north" has, as the first version wrote it.
INSERT INTO tenant (id, name, currency, locale, theme, tax, promotions)
VALUES ('north', 'North', 'EUR', 'en-IE', '{}', NULL, '[]');

INSERT INTO product (tenant_id, id, name, description, category, price, stock, tags, image, place, name_words, words, updated_at)
VALUES
  ('north', 'beans', 'Dawn Beans', '', 'Coffee', 1400, 7, '[]', '', 11, 'dawn beans', 'dawn beans coffee', '2026-11-01 10:00:00'),
  ('north', 'cup', 'Stone Cup', '', 'Cups', 900, 3, '[]', '', 12, 'stone cup', 'stone cup cups', '2026-11-01 10:00:00');

INSERT INTO cart (tenant_id, id, shopper, status, created_at, updated_at)
VALUES
  ('north', 'c-open', 'ada', 'open', '2026-11-01 10:00:00', '2026-11-01 10:00:00'),
  ('north', 'c-done', 'bea', 'ordered', '2026-11-01 10:00:00', '2026-11-01 10:00:00');

INSERT INTO cart_line (tenant_id, cart_id, product_id, quantity, from_upsell, place)
VALUES ('north', 'c-open', 'cup', 2, false, 22), ('north', 'c-open', 'beans', 1, true, 21);

INSERT INTO orders (tenant_id, id, number, cart_id, shopper, status, email, name, currency, subtotal, discount, tax, tax_included, total, created_at)
VALUES ('north', 'o-1', 'N-1', 'c-done', 'bea', 'placed', 'bea@example.com', 'Bea', 'EUR', 2300, 0, 0, false, 2300, '2026-11-01 10:00:00');

INSERT INTO order_line (tenant_id, order_id, product_id, place, name, image, unit_price, quantity, from_upsell)
VALUES
  ('north', 'o-1', 'cup', 32, 'Stone Cup', '', 900, 1, true),
  ('north', 'o-1', 'beans', 31, 'Dawn Beans', '', 1400, 1, false);

INSERT INTO event (tenant_id, id, kind, subject, data, created_at)
VALUES
  ('north', 7, 'stock.changed', 'beans', '{"stock": 7}', '2026-11-01 10:00:00'),
  ('north', 9, 'order.placed', 'o-1', '{}', '2026-11-01 10:00:00');

INSERT INTO upsell_call (tenant_id, id, place, cart_id, arm, source, outcome, suggestions, model, prompt, created_at)
VALUES
  ('north', 'shown', 1, 'c-open', 'rules', 'rules', 'rules', '[]', NULL, NULL, '2026-11-01 10:00:00'),
  ('north', 'asked', 2, 'c-open', 'model', 'rules', 'http 429', '[]', 'm', '?', '2026-11-01 10:00:00');
