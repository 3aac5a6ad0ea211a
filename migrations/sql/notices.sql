-- What people are told, by which channel, and what each has chosen.

-- Something that people are told of, written in the transaction in which it happened.
CREATE TABLE happenings (
    id uuid NOT NULL,
    event text NOT NULL,
    audience text NOT NULL,
    audience_id uuid,
    but_user_id uuid,
    facts jsonb NOT NULL,
    once text,
    happened_at timestamptz NOT NULL,
    told_at timestamptz,
    CONSTRAINT pk_happenings PRIMARY KEY (id),
    CONSTRAINT uq_happenings_once UNIQUE (once),
    CONSTRAINT ck_happenings_audience CHECK (audience IN ('user', 'trader', 'merchant', 'store', 'staff') AND (audience = 'staff') = (audience_id IS NULL))
);
CREATE INDEX ix_happenings_happened_at ON happenings (happened_at);

-- One happening to one person by one channel; without a person to the operator's own address.
CREATE TABLE notices (
    id uuid NOT NULL,
    happening_id uuid NOT NULL,
    user_id uuid,
    channel text NOT NULL,
    state text NOT NULL,
    due_at timestamptz NOT NULL,
    done_at timestamptz,
    read_at timestamptz,
    error text,
    CONSTRAINT pk_notices PRIMARY KEY (id),
    CONSTRAINT uq_notices_happening_id_user_id_channel UNIQUE (happening_id, user_id, channel),
    CONSTRAINT ck_notices_channel CHECK (channel IN ('portal', 'mail', 'telegram', 'push', 'operator')),
    CONSTRAINT ck_notices_state CHECK (state IN ('waiting', 'sent', 'failed')),
    CONSTRAINT ck_notices_user CHECK ((channel = 'operator') = (user_id IS NULL)),
    CONSTRAINT fk_notices_happening_id FOREIGN KEY (happening_id) REFERENCES happenings (id) ON DELETE CASCADE,
    CONSTRAINT fk_notices_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX uq_notices_operator ON notices (happening_id) WHERE user_id IS NULL;
CREATE INDEX ix_notices_user_id ON notices (user_id, id DESC);
CREATE INDEX ix_notices_unread ON notices (user_id) WHERE channel = 'portal' AND read_at IS NULL;
CREATE INDEX ix_notices_waiting ON notices (due_at) WHERE state = 'waiting';

-- What a person wants to hear by which channel, where it is not as the catalogue says.
CREATE TABLE notice_choices (
    user_id uuid NOT NULL,
    event text NOT NULL,
    channel text NOT NULL,
    how text NOT NULL,
    CONSTRAINT pk_notice_choices PRIMARY KEY (user_id, event, channel),
    CONSTRAINT ck_notice_choices_how CHECK (how IN ('off', 'now', 'digest')),
    CONSTRAINT fk_notice_choices_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_notice_choices_event ON notice_choices (event, user_id);

-- When a person may be disturbed, in minutes of the day of their zone, and where their Telegram is.
CREATE TABLE notice_plans (
    user_id uuid NOT NULL,
    quiet_from integer,
    quiet_until integer,
    digest_at integer NOT NULL,
    low_amount numeric(24, 8),
    low_told_at timestamptz,
    telegram_chat text,
    telegram_since timestamptz,
    telegram_code text,
    telegram_code_until timestamptz,
    CONSTRAINT pk_notice_plans PRIMARY KEY (user_id),
    CONSTRAINT uq_notice_plans_telegram_code UNIQUE (telegram_code),
    CONSTRAINT ck_notice_plans_minutes CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from <> quiet_until AND quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439 AND digest_at BETWEEN 0 AND 1439),
    CONSTRAINT ck_notice_plans_low_amount CHECK (low_amount > 0),
    CONSTRAINT fk_notice_plans_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

-- A browser that a person has named: its push service's address, and what messages to it are sealed with.
CREATE TABLE push_browsers (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    endpoint text NOT NULL,
    public bytea NOT NULL,
    auth bytea NOT NULL,
    called text,
    added_at timestamptz NOT NULL,
    told_at timestamptz,
    CONSTRAINT pk_push_browsers PRIMARY KEY (id),
    CONSTRAINT uq_push_browsers_endpoint UNIQUE (endpoint),
    CONSTRAINT fk_push_browsers_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_push_browsers_user_id ON push_browsers (user_id);

-- What the desk announces to traders and merchants; out of sight after `ends_at`, or as it is withdrawn.
CREATE TABLE announcements (
    id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    made_name text NOT NULL,
    audience text NOT NULL,
    text_en text NOT NULL,
    text_ru text NOT NULL,
    ends_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_name text,
    CONSTRAINT pk_announcements PRIMARY KEY (id),
    CONSTRAINT ck_announcements_audience CHECK (audience IN ('trader', 'merchant', 'both'))
);
CREATE INDEX ix_announcements_ends_at ON announcements (ends_at) WHERE withdrawn_at IS NULL;

-- Somebody said that he has read it.
CREATE TABLE announcement_reads (
    announcement_id uuid NOT NULL,
    user_id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    CONSTRAINT pk_announcement_reads PRIMARY KEY (announcement_id, user_id),
    CONSTRAINT fk_announcement_reads_announcement_id FOREIGN KEY (announcement_id) REFERENCES announcements (id),
    CONSTRAINT fk_announcement_reads_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
