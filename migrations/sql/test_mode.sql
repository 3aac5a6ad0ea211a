-- Test mode: what somebody chose on the page of a test order, and what a store has seen so far.
-- A choice stands in the place of what the amount says.
CREATE TABLE test_choices (
    order_id uuid NOT NULL,
    outcome text NOT NULL,
    chosen_at timestamptz NOT NULL,
    CONSTRAINT pk_test_choices PRIMARY KEY (order_id),
    CONSTRAINT ck_test_choices_outcome CHECK (outcome IN ('exact', 'less', 'more', 'expires', 'late', 'declined', 'won', 'lost')),
    CONSTRAINT fk_test_choices_order_id FOREIGN KEY (order_id) REFERENCES orders (id)
);

-- What a store has seen happen to a test order, the first time that it did.
CREATE TABLE test_milestones (
    store_id uuid NOT NULL,
    name text NOT NULL,
    order_id uuid NOT NULL,
    reached_at timestamptz NOT NULL,
    CONSTRAINT pk_test_milestones PRIMARY KEY (store_id, name),
    CONSTRAINT fk_test_milestones_store_id FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT fk_test_milestones_order_id FOREIGN KEY (order_id) REFERENCES orders (id)
);
