CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), product_id INTEGER NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL, total REAL NOT NULL, ordered_on TEXT NOT NULL);
CREATE INDEX orders_by_customer ON orders (customer_id);
INSERT INTO customers VALUES
  (1, 'Ada Berg', 'ada@example.com', 'Oslo', '2024-01-12'), (2, 'Bruno Costa', 'bruno@example.com', 'Porto', '2024-02-03'),
  (3, 'Chen Wei', 'chen@example.com', 'Chengdu', '2024-02-20'), (4, 'Dana Levi', 'dana@example.com', 'Haifa', '2024-03-15'),
  (5, 'Emil Roth', 'emil@example.com', 'Bonn', '2024-04-02'), (6, 'Fatima Noor', 'fatima@example.com', 'Amman', '2024-05-09'),
  (7, 'Gina Rossi', 'gina@example.com', 'Turin', '2024-06-21'), (8, 'Hiro Tanaka', 'hiro@example.com', 'Osaka', '2024-07-30'),
  (9, 'Ines Duval', 'ines@example.com', 'Lyon', '2024-09-11'), (10, 'Juan Soto', 'juan@example.com', 'Lima', '2024-11-05');
INSERT INTO products VALUES
  (1, 'Notebook', 4.5, 320), (2, 'Fountain pen', 29.0, 45), (3, 'Desk lamp', 39.9, 18),
  (4, 'Paper, 500 sheets', 6.2, 210), (5, 'Office chair', 189.0, 7), (6, 'Ink bottle', 9.8, 96);
-- 120 orders over twelve months, from a fixed rule so that every copy is the same.
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO orders
SELECT i, 1 + (i * i + i / 3) % 10, p.id, 1 + i % 4, ROUND(p.price * (1 + i % 4), 2), date('2025-01-03', '+' || (i * 3) || ' days')
FROM n JOIN products p ON p.id = 1 + (i * 5 + i / 7) % 6;
