-- Who wants to join the desk; their documents are files.

-- received → proposed (a second person decides) → accepted or refused; received again where that came to nothing.
CREATE TABLE applications (
    id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    contact text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    phone_digits text NOT NULL,
    country text NOT NULL,
    volume text NOT NULL,
    website text,
    wants text NOT NULL,
    locale text NOT NULL,
    address inet,
    state text NOT NULL,
    told text,
    decided_at timestamptz,
    party_id uuid,
    user_id uuid,
    link_digest bytea,
    link_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_applications PRIMARY KEY (id),
    CONSTRAINT uq_applications_link_digest UNIQUE (link_digest),
    CONSTRAINT ck_applications_kind CHECK (kind IN ('merchant', 'trader')),
    CONSTRAINT ck_applications_state CHECK (state IN ('received', 'proposed', 'accepted', 'refused')),
    CONSTRAINT ck_applications_decided CHECK ((state IN ('accepted', 'refused')) = (decided_at IS NOT NULL)),
    CONSTRAINT ck_applications_accepted CHECK ((state = 'accepted') = (user_id IS NOT NULL)),
    CONSTRAINT fk_applications_user_id_users FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX ix_applications_created_at ON applications (created_at);
CREATE INDEX ix_applications_email ON applications (email);
CREATE INDEX ix_applications_phone_digits ON applications (phone_digits);
CREATE INDEX ix_applications_state ON applications (state, created_at, id);
