-- Tariffs of stores, rewards of traders.

-- A trader's share of the settlement amount, in basis points plus a fixed part.
CREATE TABLE rewards (
    id uuid NOT NULL,
    trader_id uuid NOT NULL,
    direction text NOT NULL,
    method text,
    currency text,
    from_minor bigint,
    to_minor bigint,
    reward_bps int NOT NULL,
    reward_fixed_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    valid_from timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT pk_rewards PRIMARY KEY (id),
    CONSTRAINT ck_rewards_reward CHECK (reward_bps BETWEEN 0 AND 10000 AND reward_fixed_minor >= 0),
    CONSTRAINT ck_rewards_direction CHECK (direction IN ('payin', 'payout')),
    CONSTRAINT ck_rewards_time CHECK (retired_at >= valid_from),
    CONSTRAINT fk_rewards_trader_id FOREIGN KEY (trader_id) REFERENCES traders (id),
    CONSTRAINT fk_rewards_method FOREIGN KEY (method) REFERENCES methods (code),
    CONSTRAINT fk_rewards_currency FOREIGN KEY (currency) REFERENCES currencies (code)
);
CREATE INDEX ix_rewards_trader_id ON rewards (trader_id, direction, valid_from);

-- A store's fee: `fee_bps` of the settlement amount plus `fee_fixed_minor` of settlement currency.
CREATE TABLE tariffs (
    id uuid NOT NULL,
    store_id uuid NOT NULL,
    direction text NOT NULL,
    method text,
    currency text,
    from_minor bigint,
    to_minor bigint,
    fee_bps int NOT NULL,
    fee_fixed_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    valid_from timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT pk_tariffs PRIMARY KEY (id),
    CONSTRAINT ck_tariffs_fee CHECK (fee_bps BETWEEN 0 AND 10000 AND fee_fixed_minor >= 0),
    CONSTRAINT ck_tariffs_direction CHECK (direction IN ('payin', 'payout')),
    CONSTRAINT ck_tariffs_time CHECK (retired_at >= valid_from),
    CONSTRAINT fk_tariffs_store_id FOREIGN KEY (store_id) REFERENCES stores (id),
    CONSTRAINT fk_tariffs_method FOREIGN KEY (method) REFERENCES methods (code),
    CONSTRAINT fk_tariffs_currency FOREIGN KEY (currency) REFERENCES currencies (code)
);
CREATE INDEX ix_tariffs_store_id ON tariffs (store_id, valid_from);

-- What a store waits for of each settled payin: a share for so many days, and all the rest for a few.
CREATE TABLE reserve_terms (
    store_id uuid NOT NULL,
    reserve_bps int NOT NULL,
    reserve_days int NOT NULL,
    delay_days int NOT NULL,
    CONSTRAINT pk_reserve_terms PRIMARY KEY (store_id),
    CONSTRAINT ck_reserve_terms_reserve CHECK (
        reserve_bps BETWEEN 0 AND 10000 AND reserve_days BETWEEN 0 AND 365 AND (reserve_bps = 0) = (reserve_days = 0)),
    CONSTRAINT ck_reserve_terms_delay CHECK (delay_days BETWEEN 0 AND 60),
    CONSTRAINT fk_reserve_terms_store_id FOREIGN KEY (store_id) REFERENCES stores (id)
);
