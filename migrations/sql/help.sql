-- Help with an order: threads between who asks and the staff, what was said, templates of replies.

-- Somebody asks for help with an order: its customer, or a trader who has or had it.
CREATE TABLE help_threads (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    order_id uuid NOT NULL,
    live boolean NOT NULL,
    side text NOT NULL,
    trader_id uuid,
    locale text NOT NULL,
    waits_for text NOT NULL,
    said_at timestamptz NOT NULL,
    unanswered int NOT NULL,
    closed_at timestamptz,
    closed_name text,
    CONSTRAINT pk_help_threads PRIMARY KEY (id),
    CONSTRAINT ck_help_threads_side CHECK (side IN ('customer', 'trader') AND (side = 'trader') = (trader_id IS NOT NULL)),
    CONSTRAINT ck_help_threads_waits_for CHECK (waits_for IN ('staff', 'asker')),
    CONSTRAINT fk_help_threads_order_id FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX ix_help_threads_closed ON help_threads (id) WHERE closed_at IS NOT NULL;
CREATE INDEX ix_help_threads_order_id ON help_threads (order_id, id);
CREATE INDEX ix_help_threads_waiting ON help_threads (said_at) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX uq_help_threads_open ON help_threads (order_id, side, trader_id) NULLS NOT DISTINCT WHERE closed_at IS NULL;

-- What was said; never changed.
CREATE TABLE help_messages (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    thread_id uuid NOT NULL,
    side text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    text text NOT NULL,
    CONSTRAINT pk_help_messages PRIMARY KEY (id),
    CONSTRAINT ck_help_messages_side CHECK (side IN ('customer', 'trader', 'staff')),
    CONSTRAINT fk_help_messages_thread_id FOREIGN KEY (thread_id) REFERENCES help_threads (id)
);
CREATE INDEX ix_help_messages_thread_id ON help_messages (thread_id, id);

-- Words that staff use again, in both languages.
CREATE TABLE reply_templates (
    id uuid NOT NULL,
    use text NOT NULL,
    name text NOT NULL,
    text_en text NOT NULL,
    text_ru text NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_reply_templates PRIMARY KEY (id),
    CONSTRAINT ck_reply_templates_use CHECK (use IN ('help', 'dispute'))
);
CREATE INDEX ix_reply_templates_use ON reply_templates (use, name);
