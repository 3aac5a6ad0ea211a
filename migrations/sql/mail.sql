-- Mails on their way.

-- One mail to one person. Address and text are sealed; the text goes as soon as it is sent.
CREATE TABLE mails (
    id uuid NOT NULL,
    to_sealed bytea NOT NULL,
    subject text NOT NULL,
    text_sealed bytea,
    made_at timestamptz NOT NULL,
    sent_at timestamptz,
    CONSTRAINT pk_mails PRIMARY KEY (id)
);
CREATE INDEX ix_mails_made_at ON mails (made_at);
