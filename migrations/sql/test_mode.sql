-- Test mode: what somebody chose on the page of a test order, in the place of what its amount says.
CREATE TABLE test_choices (
    order_id uuid NOT NULL,
    outcome text NOT NULL,
    chosen_at timestamptz NOT NULL,
    CONSTRAINT pk_test_choices PRIMARY KEY (order_id),
    CONSTRAINT ck_test_choices_outcome CHECK (outcome IN ('exact', 'less', 'more', 'expires', 'late', 'declined', 'won', 'lost')),
    CONSTRAINT fk_test_choices_order_id FOREIGN KEY (order_id) REFERENCES orders (id)
);
