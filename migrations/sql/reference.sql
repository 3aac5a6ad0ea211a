-- Reference: currencies, methods, banks, rates.

CREATE TABLE banks (
    code text NOT NULL,
    name text NOT NULL,
    name_ru text DEFAULT '' NOT NULL,
    country text NOT NULL,
    position int DEFAULT 0 NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_banks PRIMARY KEY (code)
);

CREATE TABLE currencies (
    code text NOT NULL,
    exponent int NOT NULL,
    kind text NOT NULL,
    sign text NOT NULL,
    name text DEFAULT '' NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_currencies PRIMARY KEY (code),
    CONSTRAINT ck_currencies_kind CHECK (kind IN ('fiat', 'crypto')),
    CONSTRAINT ck_currencies_exponent CHECK (exponent BETWEEN 0 AND 9),
    CONSTRAINT ck_currencies_code CHECK (code ~ '^[A-Z0-9]{3,10}$')
);

-- One stop, of the whole desk or of a part. It begins and ends by itself, whether or not anybody writes `ended_at`.
-- Rows are kept.
CREATE TABLE desk_pauses (
    id uuid NOT NULL,
    scope text NOT NULL,
    target text NOT NULL,
    target_name text NOT NULL,
    merchant_id uuid,
    began_at timestamptz NOT NULL,
    began_by uuid,
    began_name text NOT NULL,
    reason text NOT NULL,
    message text,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_name text,
    window_id uuid,
    CONSTRAINT pk_desk_pauses PRIMARY KEY (id),
    CONSTRAINT ck_desk_pauses_range CHECK (began_at < ends_at),
    CONSTRAINT ck_desk_pauses_scope CHECK (scope IN ('desk', 'method', 'bank', 'direction', 'store')),
    CONSTRAINT ck_desk_pauses_target CHECK ((scope = 'desk') = (target = ''))
);
CREATE INDEX ix_desk_pauses_open ON desk_pauses (ends_at) WHERE ended_at IS NULL;
CREATE INDEX ix_desk_pauses_recurred ON desk_pauses (ended_at) WHERE window_id IS NOT NULL;
CREATE UNIQUE INDEX uq_desk_pauses_window ON desk_pauses (window_id, began_at) WHERE window_id IS NOT NULL;

-- Maintenance that a bank announces: days of the week, minutes of the operator's day. Removed ones are kept.
CREATE TABLE bank_windows (
    id uuid NOT NULL,
    bank text NOT NULL,
    days int[] NOT NULL,
    begins_at int NOT NULL,
    ends_at int NOT NULL,
    message text,
    made_at timestamptz NOT NULL,
    made_name text NOT NULL,
    removed_at timestamptz,
    removed_name text,
    CONSTRAINT pk_bank_windows PRIMARY KEY (id),
    CONSTRAINT ck_bank_windows_minutes CHECK (begins_at BETWEEN 0 AND 1439 AND ends_at BETWEEN 0 AND 1439 AND begins_at <> ends_at),
    CONSTRAINT ck_bank_windows_days CHECK (cardinality(days) BETWEEN 1 AND 7 AND days <@ '{1,2,3,4,5,6,7}'::int[]),
    CONSTRAINT fk_bank_windows_bank FOREIGN KEY (bank) REFERENCES banks (code)
);
CREATE INDEX ix_bank_windows_open ON bank_windows (bank) WHERE removed_at IS NULL;

-- A local payment rail. `validator` names the check of a number in reference/validators.py, `rules` narrow it.
CREATE TABLE methods (
    code text NOT NULL,
    name text NOT NULL,
    name_ru text DEFAULT '' NOT NULL,
    number_label text NOT NULL,
    number_label_ru text DEFAULT '' NOT NULL,
    validator text NOT NULL,
    rules jsonb DEFAULT '{}' NOT NULL,
    currencies text[] DEFAULT '{}' NOT NULL,
    position int NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_methods PRIMARY KEY (code)
);

-- Quote units for one unit of base, from `at` on. The newest row of a pair counts; rows are never changed.
CREATE TABLE rates (
    id uuid NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    rate numeric(30, 12) NOT NULL,
    source text NOT NULL,
    at timestamptz NOT NULL,
    set_by uuid,
    CONSTRAINT pk_rates PRIMARY KEY (id),
    CONSTRAINT ck_rates_positive CHECK (rate > 0 AND rate < 'Infinity'::numeric),
    CONSTRAINT fk_rates_base FOREIGN KEY (base) REFERENCES currencies (code),
    CONSTRAINT fk_rates_quote FOREIGN KEY (quote) REFERENCES currencies (code)
);
CREATE INDEX ix_rates_pair ON rates (base, quote, at);

-- Every interval the median of what its sources say, plus the spread, becomes the pair's rate.
CREATE TABLE rate_feeds (
    id uuid NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    interval_s int NOT NULL,
    spread_bps int NOT NULL,
    outlier_bps int NOT NULL,
    jump_bps int NOT NULL,
    sources_min int NOT NULL,
    active boolean NOT NULL,
    next_at timestamptz NOT NULL,
    tried_at timestamptz,
    error text,
    held_rate numeric(30, 12),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_rate_feeds PRIMARY KEY (id),
    CONSTRAINT uq_rate_feeds_pair UNIQUE (base, quote),
    CONSTRAINT ck_rate_feeds_two_currencies CHECK (base <> quote),
    CONSTRAINT ck_rate_feeds_interval CHECK (interval_s BETWEEN 10 AND 86400),
    CONSTRAINT ck_rate_feeds_spread CHECK (spread_bps BETWEEN -2000 AND 2000),
    CONSTRAINT ck_rate_feeds_sources CHECK (sources_min BETWEEN 1 AND 5),
    CONSTRAINT ck_rate_feeds_held CHECK (held_rate IS NULL OR (held_rate > 0 AND held_rate < 'Infinity'::numeric)),
    CONSTRAINT fk_rate_feeds_base FOREIGN KEY (base) REFERENCES currencies (code),
    CONSTRAINT fk_rate_feeds_quote FOREIGN KEY (quote) REFERENCES currencies (code)
);
CREATE INDEX ix_rate_feeds_due ON rate_feeds (next_at) WHERE active;

-- An address that answers JSON, and where in it the number stands.
CREATE TABLE rate_sources (
    id uuid NOT NULL,
    feed_id uuid NOT NULL,
    url text NOT NULL,
    pointer text NOT NULL,
    inverted boolean NOT NULL,
    value numeric(30, 12),
    answered_at timestamptz,
    error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_rate_sources PRIMARY KEY (id),
    CONSTRAINT uq_rate_sources_place UNIQUE (feed_id, url, pointer),
    CONSTRAINT fk_rate_sources_feed_id_rate_feeds FOREIGN KEY (feed_id) REFERENCES rate_feeds (id)
);

-- A stored integer means what it means by its currency's digits: a currency's point never moves, and none is deleted.
CREATE FUNCTION currency_point_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the digits of % never change', OLD.code
        USING ERRCODE = 'check_violation', CONSTRAINT = 'currency_point_stays';
END $$;
CREATE TRIGGER currency_point_stays BEFORE UPDATE OF code, exponent ON currencies
    FOR EACH ROW WHEN (OLD.code <> NEW.code OR OLD.exponent <> NEW.exponent) EXECUTE FUNCTION currency_point_stays();
REVOKE DELETE, TRUNCATE ON currencies FROM quittance_app;

-- Reference data that every desk begins with; staff add to it and switch it.
INSERT INTO currencies (code, exponent, kind, sign, active, created_at, updated_at)
SELECT c.code, c.exponent, c.kind, c.sign, true, now(), now() FROM (VALUES
    ('RUB', 2, 'fiat', '₽'), ('KZT', 2, 'fiat', '₸'), ('UAH', 2, 'fiat', '₴'), ('AZN', 2, 'fiat', '₼'),
    ('USD', 2, 'fiat', '$'), ('EUR', 2, 'fiat', '€'),
    ('USDT', 6, 'crypto', '₮'), ('USDC', 6, 'crypto', 'USDC'), ('BTC', 8, 'crypto', '₿')
) AS c (code, exponent, kind, sign);
INSERT INTO methods (code, name, number_label, validator, "position", active, created_at, updated_at)
SELECT m.code, m.name, m.label, m.validator, m.place, true, now(), now() FROM (VALUES
    ('card', 'Bank card', 'Card number', 'luhn16', 1),
    ('sbp', 'Transfer by phone', 'Phone number', 'phone', 2),
    ('account', 'Bank account', 'Account number', 'account20', 3)
) AS m (code, name, label, validator, place);
INSERT INTO banks (code, name, country, active, created_at, updated_at)
SELECT b.code, b.name, b.country, true, now(), now() FROM (VALUES
    ('alfa', 'Alfa-Bank', 'RU'), ('sber', 'Sber', 'RU'), ('tbank', 'T-Bank', 'RU'), ('vtb', 'VTB', 'RU'),
    ('raiffeisen', 'Raiffeisen', 'RU'), ('gazprom', 'Gazprombank', 'RU'),
    ('kaspi', 'Kaspi Bank', 'KZ'), ('halyk', 'Halyk Bank', 'KZ'), ('jusan', 'Jusan Bank', 'KZ')
) AS b (code, name, country);

-- ISO 4217 with its minor units, as portal/core/iso4217.py keeps them: there to be switched on.
INSERT INTO currencies (code, exponent, kind, sign, active, created_at, updated_at)
SELECT code, iso.digits, 'fiat', code, false, now(), now() FROM (VALUES
    (0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
    (2, 'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF '
        || 'CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD '
        || 'GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL '
        || 'MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR '
        || 'PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP '
        || 'TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG'),
    (3, 'BHD IQD JOD KWD LYD OMR TND'),
    (4, 'CLF UYW')
) AS iso (digits, codes) CROSS JOIN unnest(string_to_array(iso.codes, ' ')) AS code
ON CONFLICT DO NOTHING;

-- Banks of further countries, there to be switched on.
INSERT INTO banks (code, name, name_ru, country, active, created_at, updated_at)
SELECT b.code, b.name, b.name_ru, b.country, false, now(), now() FROM (VALUES
    ('kapitalbank', 'Kapitalbank', 'Капиталбанк', 'UZ'), ('ipakyuli', 'Ipak Yuli Bank', 'Ипак Йули', 'UZ'),
    ('nbk', 'National Bank of Kuwait', 'Национальный банк Кувейта', 'KW'),
    ('n26', 'N26', 'N26', 'DE'), ('revolut_lt', 'Revolut Bank', 'Revolut Bank', 'LT'),
    ('wise_be', 'Wise Europe', 'Wise Europe', 'BE')
) AS b (code, name, name_ru, country);

-- What people read, in the second language of the desk.
UPDATE methods m SET name_ru = n.name, number_label_ru = n.label FROM (VALUES
    ('card', 'Банковская карта', 'Номер карты'),
    ('sbp', 'Перевод по телефону', 'Номер телефона'),
    ('account', 'Банковский счёт', 'Номер счёта')
) AS n (code, name, label) WHERE m.code = n.code;
UPDATE banks b SET name_ru = n.name FROM (VALUES
    ('alfa', 'Альфа-Банк'), ('sber', 'Сбер'), ('tbank', 'Т-Банк'), ('vtb', 'ВТБ'), ('raiffeisen', 'Райффайзен Банк'),
    ('gazprom', 'Газпромбанк'), ('kaspi', 'Kaspi Bank'), ('halyk', 'Народный банк'), ('jusan', 'Jusan Bank')
) AS n (code, name) WHERE b.code = n.code;
UPDATE currencies c SET name = n.name FROM (VALUES
    ('USDT', 'Tether'), ('USDC', 'USD Coin'), ('BTC', 'Bitcoin')
) AS n (code, name) WHERE c.code = n.code;
