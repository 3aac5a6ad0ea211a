-- Parties: merchants, stores and their keys, traders, holders, users and what they may do.

-- Somebody is on a matter since `taken_at`; at most one at a time. A hand-over ends one and begins another.
CREATE TABLE cases (
    id uuid NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    taken_by uuid NOT NULL,
    taken_name text NOT NULL,
    taken_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_name text,
    CONSTRAINT pk_cases PRIMARY KEY (id),
    CONSTRAINT ck_cases_subject_kind CHECK (subject_kind IN ('order', 'approval', 'job', 'application', 'help'))
);
CREATE INDEX ix_cases_taken_by ON cases (taken_by) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX uq_cases_open ON cases (subject_kind, subject_id) WHERE ended_at IS NULL;

-- The person named on requisites. Limits hold over all their requisites, of every trader. Minor units.
CREATE TABLE holders (
    id uuid NOT NULL,
    name_sealed bytea NOT NULL,
    name_fingerprint bytea NOT NULL,
    currency text,
    day_max_minor bigint,
    day_count_max int,
    month_max_minor bigint,
    day_on date,
    day_used_minor bigint DEFAULT 0 NOT NULL,
    day_count int DEFAULT 0 NOT NULL,
    month_on date,
    month_used_minor bigint DEFAULT 0 NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_holders PRIMARY KEY (id),
    CONSTRAINT uq_holders_name_fingerprint UNIQUE (name_fingerprint)
) WITH (fillfactor = 70);

-- Wrong passwords per budget of `login_throttle.Guess` in the present window: holds without Redis.
CREATE TABLE login_failures (
    subject text NOT NULL,
    window_at timestamptz NOT NULL,
    failures int NOT NULL,
    CONSTRAINT pk_login_failures PRIMARY KEY (subject)
);

-- A company that sells; owns stores. pending → active ⇄ suspended.
CREATE TABLE merchants (
    id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_merchants PRIMARY KEY (id),
    CONSTRAINT ck_merchants_status CHECK (status IN ('pending', 'active', 'suspended'))
);
CREATE INDEX ix_merchants_words ON merchants USING gin (to_tsvector('simple', translate(name, '-_./', '    ')));

-- Somebody who owns requisites and does the transfers. Tier 1 is served first.
CREATE TABLE traders (
    id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    robot boolean NOT NULL,
    on_shift boolean NOT NULL,
    tier int NOT NULL,
    settlement_currency text NOT NULL,
    payin boolean NOT NULL,
    payout boolean NOT NULL,
    open_orders_max int NOT NULL,
    open_orders int DEFAULT 0 NOT NULL,
    missed int DEFAULT 0 NOT NULL,
    unsecured int DEFAULT 0 NOT NULL,
    open_minor bigint DEFAULT 0 NOT NULL,
    open_max_minor bigint,
    disputed_max_minor bigint,
    data_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_traders PRIMARY KEY (id),
    CONSTRAINT ck_traders_status CHECK (status IN ('pending', 'active', 'suspended')),
    CONSTRAINT ck_traders_open_orders CHECK (open_orders >= 0),
    CONSTRAINT ck_traders_caps CHECK (open_minor >= 0 AND open_max_minor >= 0 AND disputed_max_minor >= 0)
) WITH (fillfactor = 70);
CREATE INDEX ix_traders_words ON traders USING gin (to_tsvector('simple', translate(name, '-_./', '    ')));

-- One stretch of a trader being on shift.
CREATE TABLE shifts (
    id uuid NOT NULL,
    trader_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text,
    CONSTRAINT pk_shifts PRIMARY KEY (id),
    CONSTRAINT fk_shifts_trader_id FOREIGN KEY (trader_id) REFERENCES traders (id)
);
CREATE INDEX ix_shifts_trader_id_started_at ON shifts (trader_id, started_at);

-- A merchant's shop. Its balance is kept in `settlement_currency`; clocks are its own.
CREATE TABLE stores (
    id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    settlement_currency text NOT NULL,
    brand_color text,
    return_hosts text[] NOT NULL,
    match_for_s int NOT NULL,
    pay_for_s int NOT NULL,
    grace_s int NOT NULL,
    confirm_for_s int NOT NULL,
    late_for_s int DEFAULT '86400' NOT NULL,
    under_policy text DEFAULT 'ask' NOT NULL,
    vary_minor int DEFAULT 0 NOT NULL,
    reward_may_exceed_fee boolean NOT NULL,
    payout_accept_for_s int DEFAULT '600' NOT NULL,
    payout_pay_for_s int DEFAULT '1800' NOT NULL,
    payout_confirm text DEFAULT 'window' NOT NULL,
    payout_window_s int DEFAULT '3600' NOT NULL,
    payout_tries_max int DEFAULT '3' NOT NULL,
    payout_alone_max_minor bigint,
    signed_payouts boolean DEFAULT 'false' NOT NULL,
    open_max_minor bigint,
    disputed_max_minor bigint,
    data_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_stores PRIMARY KEY (id),
    CONSTRAINT uq_stores_slug UNIQUE (slug),
    CONSTRAINT ck_stores_status CHECK (status IN ('active', 'suspended')),
    CONSTRAINT ck_stores_payout_confirm CHECK (payout_confirm IN ('store', 'window', 'at_once')),
    CONSTRAINT ck_stores_payout_alone_max CHECK (payout_alone_max_minor >= 0),
    CONSTRAINT ck_stores_caps CHECK (open_max_minor >= 0 AND disputed_max_minor >= 0),
    CONSTRAINT ck_stores_vary CHECK (vary_minor BETWEEN 0 AND 999),
    CONSTRAINT ck_stores_under_policy CHECK (under_policy IN ('accept', 'ask', 'return')),
    CONSTRAINT fk_stores_merchant_id FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);
CREATE INDEX ix_stores_merchant_id ON stores (merchant_id);
CREATE INDEX ix_stores_words ON stores USING gin (to_tsvector('simple', translate(name, '-_./', '    ')));

-- A person who signs in. What they may do are their own permission rows.
CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    merchant_id uuid,
    trader_id uuid,
    active boolean NOT NULL,
    locale text NOT NULL,
    time_zone text NOT NULL,
    totp_sealed bytea,
    totp_step bigint,
    factor_since timestamptz,
    password_changed_at timestamptz NOT NULL,
    one_time_until timestamptz,
    last_login_at timestamptz,
    break_glass boolean NOT NULL,
    reviewed_at timestamptz,
    reviewed_name text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_email UNIQUE (email),
    CONSTRAINT ck_users_email_lower CHECK (email = lower(email)),
    CONSTRAINT ck_users_belongs CHECK (
        (role = 'merchant') = (merchant_id IS NOT NULL) AND (role = 'trader') = (trader_id IS NOT NULL)),
    CONSTRAINT ck_users_role CHECK (role IN ('merchant', 'trader', 'support', 'admin')),
    CONSTRAINT fk_users_merchant_id FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT fk_users_trader_id FOREIGN KEY (trader_id) REFERENCES traders (id)
);
CREATE INDEX ix_users_email_prefix ON users (email text_pattern_ops);
CREATE INDEX ix_users_merchant_id ON users (merchant_id);
CREATE INDEX ix_users_trader_id ON users (trader_id);
CREATE INDEX ix_users_words ON users USING gin (to_tsvector('simple', translate(name, '-_./', '    ')));

-- A store's key for the gateway. The token is shown once; `digest` is SHA-256 of the whole of it.
CREATE TABLE api_keys (
    id uuid NOT NULL,
    public_id text NOT NULL,
    store_id uuid NOT NULL,
    live boolean NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    networks CIDR[] NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    last_used_address inet,
    replaces_id uuid,
    signing_sealed bytea,
    signing_previous_sealed bytea,
    signing_previous_until timestamptz,
    signing_version int DEFAULT '0' NOT NULL,
    signing_required boolean DEFAULT 'false' NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT uq_api_keys_public_id UNIQUE (public_id),
    CONSTRAINT uq_api_keys_replaces_id UNIQUE (replaces_id),
    CONSTRAINT ck_api_keys_signing CHECK (signing_sealed IS NOT NULL OR NOT signing_required),
    CONSTRAINT ck_api_keys_signing_previous CHECK ((signing_previous_sealed IS NULL) = (signing_previous_until IS NULL)),
    CONSTRAINT fk_api_keys_store_id FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT fk_api_keys_replaces_id FOREIGN KEY (replaces_id) REFERENCES api_keys (id)
);
CREATE INDEX ix_api_keys_store_id ON api_keys (store_id);

-- A pair of keys that access tokens are signed with, from `signs_at` until the next one does; the private half sealed.
CREATE TABLE token_keys (
    id uuid NOT NULL,
    public_key bytea NOT NULL,
    private_sealed bytea NOT NULL,
    signs_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_token_keys PRIMARY KEY (id)
);

-- One sending of one person's form: what was in it, by a keyed fingerprint, and the answer, sealed.
CREATE TABLE form_keys (
    user_id uuid NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    content_print bytea NOT NULL,
    status int,
    location text,
    content_type text NOT NULL,
    answer_sealed bytea,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_form_keys PRIMARY KEY (user_id, path, key),
    CONSTRAINT ck_form_keys_answered CHECK ((status IS NULL) = (answer_sealed IS NULL)),
    CONSTRAINT fk_form_keys_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_form_keys_created_at ON form_keys (created_at);

-- What a store takes and pays in one fiat currency. Amounts in its minor units, per order.
CREATE TABLE store_currencies (
    store_id uuid NOT NULL,
    currency text NOT NULL,
    min_minor bigint NOT NULL,
    max_minor bigint NOT NULL,
    methods text[] NOT NULL,
    payin boolean NOT NULL,
    payout boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_store_currencies PRIMARY KEY (store_id, currency),
    CONSTRAINT ck_store_currencies_range CHECK (0 < min_minor AND min_minor <= max_minor),
    CONSTRAINT fk_store_currencies_store_id FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT fk_store_currencies_currency FOREIGN KEY (currency) REFERENCES currencies (code)
);

CREATE TABLE user_permissions (
    user_id uuid NOT NULL,
    permission text NOT NULL,
    expires_at timestamptz,
    CONSTRAINT pk_user_permissions PRIMARY KEY (user_id, permission),
    CONSTRAINT fk_user_permissions_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_user_permissions_expires_at ON user_permissions (expires_at) WHERE expires_at IS NOT NULL;

-- A signed-in browser. The database keeps SHA-256 of the token, the cookie the token.
CREATE TABLE user_sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_digest bytea NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text,
    factor_at timestamptz,
    address inet,
    user_agent text,
    values jsonb DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_user_sessions PRIMARY KEY (id),
    CONSTRAINT uq_user_sessions_token_digest UNIQUE (token_digest),
    CONSTRAINT fk_user_sessions_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_user_sessions_user_id ON user_sessions (user_id, created_at);

-- One of ten, shown once; each opens the second door once. The table keeps its keyed fingerprint.
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL,
    digest bytea NOT NULL,
    salt bytea NOT NULL,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, digest),
    CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

-- A key in somebody's phone, computer or token. `sign_count` never goes back: a copy would.
CREATE TABLE passkeys (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_passkeys PRIMARY KEY (id),
    CONSTRAINT uq_passkeys_credential_id UNIQUE (credential_id),
    CONSTRAINT ck_passkeys_sign_count CHECK (sign_count >= 0),
    CONSTRAINT fk_passkeys_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_passkeys_user_id ON passkeys (user_id);

-- What an authenticator is to sign: once, soon, for one purpose, at the browser that asked.
CREATE TABLE passkey_challenges (
    challenge bytea NOT NULL,
    purpose text NOT NULL,
    browser bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_passkey_challenges PRIMARY KEY (challenge),
    CONSTRAINT ck_passkey_challenges_purpose CHECK (purpose IN ('add', 'prove', 'sign_in'))
);
CREATE INDEX ix_passkey_challenges_expires_at ON passkey_challenges (expires_at);

-- Sent to who forgot their password; worthless once another password is chosen.
CREATE TABLE recovery_links (
    digest bytea NOT NULL,
    user_id uuid NOT NULL,
    password_changed_at timestamptz NOT NULL,
    email text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_recovery_links PRIMARY KEY (digest),
    CONSTRAINT fk_recovery_links_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_recovery_links_expires_at ON recovery_links (expires_at);

-- Somebody forgot a password: until a worker has looked whether they have an account. No foreign key: perhaps nobody.
CREATE TABLE recovery_asks (
    id uuid NOT NULL,
    email_sealed bytea NOT NULL,
    digest bytea NOT NULL,
    subject text NOT NULL,
    text_sealed bytea NOT NULL,
    address inet,
    asked_at timestamptz NOT NULL,
    CONSTRAINT pk_recovery_asks PRIMARY KEY (id)
);

-- Another address of a person, which both addresses agree to.
CREATE TABLE email_changes (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    old_email text NOT NULL,
    new_email text NOT NULL,
    old_digest bytea NOT NULL,
    new_digest bytea NOT NULL,
    old_proved_at timestamptz,
    new_proved_at timestamptz,
    password_changed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    done_at timestamptz,
    CONSTRAINT pk_email_changes PRIMARY KEY (id),
    CONSTRAINT ck_email_changes_email_lower CHECK (new_email = lower(new_email)),
    CONSTRAINT fk_email_changes_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_email_changes_new_digest ON email_changes (new_digest);
CREATE INDEX ix_email_changes_old_digest ON email_changes (old_digest);
CREATE INDEX ix_email_changes_user_id ON email_changes (user_id);

-- The log of the staff's shifts; never changed.
CREATE TABLE shift_entries (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    user_id uuid NOT NULL,
    user_name text NOT NULL,
    kind text NOT NULL,
    text text,
    handed_name text,
    handed int NOT NULL,
    CONSTRAINT pk_shift_entries PRIMARY KEY (id),
    CONSTRAINT ck_shift_entries_kind CHECK (kind IN ('began', 'noted', 'ended')),
    CONSTRAINT ck_shift_entries_text CHECK ((kind = 'noted') <= (text IS NOT NULL)),
    CONSTRAINT fk_shift_entries_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_shift_entries_user_id ON shift_entries (user_id, id) WHERE kind <> 'noted';
