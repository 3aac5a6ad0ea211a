-- Over nine rows the check takes no time.
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE currencies ADD CONSTRAINT ck_currencies_exponent CHECK (exponent BETWEEN 0 AND 9);
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE currencies ADD CONSTRAINT ck_currencies_code CHECK (code ~ '^[A-Z0-9]{3,10}$');

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

-- A stored integer means what it means by its currency's digits: a currency's point never moves, and none is deleted.
CREATE FUNCTION currency_point_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the digits of % never change', OLD.code
        USING ERRCODE = 'check_violation', CONSTRAINT = 'currency_point_stays';
END $$;
CREATE TRIGGER currency_point_stays BEFORE UPDATE OF code, exponent ON currencies
    FOR EACH ROW WHEN (OLD.code <> NEW.code OR OLD.exponent <> NEW.exponent) EXECUTE FUNCTION currency_point_stays();
REVOKE DELETE, TRUNCATE ON currencies FROM quittance_app;

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
