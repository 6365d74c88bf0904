CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL,
    kind TEXT NOT NULL,
    remaining INTEGER CHECK (remaining >= 0),  -- NULL: until it is taken away
    options TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS request_count (kind TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY, level REAL NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS access_token (token TEXT PRIMARY KEY, expires_at REAL NOT NULL);

CREATE TABLE IF NOT EXISTS account (
    email TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    business_unit TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS shopping_session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    start_key TEXT NOT NULL UNIQUE,
    cookie TEXT UNIQUE,
    created_at REAL NOT NULL,
    email TEXT NOT NULL REFERENCES account (email),
    buyer_identity TEXT NOT NULL,
    buyer_cookie TEXT NOT NULL,
    return_url TEXT NOT NULL,
    ship_to TEXT NOT NULL,
    test_mode INTEGER NOT NULL,
    message BLOB,           -- what was posted back; NULL while shopping
    message_field TEXT
);
CREATE TABLE IF NOT EXISTS cart_item (
    session_id INTEGER NOT NULL REFERENCES shopping_session (id),
    asin TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    PRIMARY KEY (session_id, asin)
);
-- Lines handed out in carts: the only auxiliary ids an order may name.
CREATE TABLE IF NOT EXISTS handed_line (
    auxiliary_id TEXT PRIMARY KEY,
    cart TEXT NOT NULL,
    session_id INTEGER NOT NULL REFERENCES shopping_session (id),
    asin TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price INTEGER NOT NULL,
    rate INTEGER NOT NULL,
    shipping INTEGER NOT NULL
);

-- Every OrderRequest that was ever answered with 200: doubles are two rows.
CREATE TABLE IF NOT EXISTS purchase_order (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    payload_id TEXT NOT NULL,
    order_number TEXT NOT NULL,
    received_at REAL NOT NULL,
    email TEXT NOT NULL,
    buyer_identity TEXT NOT NULL,
    total TEXT NOT NULL,
    test_mode INTEGER NOT NULL,
    body BLOB NOT NULL,     -- without the shared secret
    hash TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 1,
    ship_to TEXT NOT NULL,
    rejection TEXT NOT NULL DEFAULT '',
    effects TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'received'
        CHECK (state IN ('received', 'allocated', 'rejected')),
    fulfil_at REAL
);
CREATE INDEX IF NOT EXISTS purchase_order_number ON purchase_order (order_number);
CREATE TABLE IF NOT EXISTS purchase_order_line (
    purchase_order_id INTEGER NOT NULL REFERENCES purchase_order (id),
    line_number INTEGER NOT NULL,
    auxiliary_id TEXT NOT NULL,
    asin TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit_price TEXT NOT NULL,
    PRIMARY KEY (purchase_order_id, line_number)
);

-- What the supplier makes of it: one purchase order can become several of these.
CREATE TABLE IF NOT EXISTS supplier_order (
    order_id TEXT PRIMARY KEY,
    purchase_order_id INTEGER NOT NULL REFERENCES purchase_order (id),
    placed_at REAL NOT NULL,
    confirmed_at REAL
);
CREATE TABLE IF NOT EXISTS supplier_line (
    item_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES supplier_order (order_id),
    line_number INTEGER NOT NULL,
    asin TEXT NOT NULL,
    ordered INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    backordered INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    unit_price INTEGER NOT NULL,
    rate INTEGER NOT NULL,
    shipping INTEGER NOT NULL,
    price_changed INTEGER NOT NULL,
    UNIQUE (order_id, line_number)
);
CREATE TABLE IF NOT EXISTS shipment (
    shipment_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES supplier_order (order_id),
    shipped_at REAL NOT NULL,
    carrier TEXT NOT NULL,
    tracking TEXT NOT NULL
);
-- Positive: goods that left. Negative, with a reason: money given back.
CREATE TABLE IF NOT EXISTS movement (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT NOT NULL UNIQUE,
    shipment_id TEXT NOT NULL REFERENCES shipment (shipment_id),
    item_id TEXT NOT NULL REFERENCES supplier_line (item_id),
    at REAL NOT NULL,
    quantity INTEGER NOT NULL,
    subtotal INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    shipping INTEGER NOT NULL,
    shipping_tax INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    purchase_order_id INTEGER NOT NULL REFERENCES purchase_order (id),
    kind TEXT NOT NULL,
    payload_id TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    due_at REAL NOT NULL,
    claimed_until REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT ''
);
