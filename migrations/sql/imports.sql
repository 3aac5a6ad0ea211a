-- Imports: files that a desk begins with.

-- One file. checked → asked → applied, or back to checked when a second person refuses; then nothing is kept of it
-- but its figures. Read newest first, by id.
CREATE TABLE imports (
    id uuid NOT NULL,
    sheet text NOT NULL,
    file_name text NOT NULL,
    rows int NOT NULL,
    content_sealed bytea,
    state text NOT NULL,
    sums jsonb NOT NULL,
    created_by uuid,
    created_name text NOT NULL,
    created_at timestamptz NOT NULL,
    applied_at timestamptz,
    CONSTRAINT pk_imports PRIMARY KEY (id),
    CONSTRAINT ck_imports_state CHECK (state IN ('checked', 'asked', 'applied')),
    CONSTRAINT ck_imports_sheet CHECK (sheet IN ('merchants', 'stores', 'traders', 'requisites', 'balances')),
    CONSTRAINT ck_imports_forgotten CHECK ((state = 'applied') = (content_sealed IS NULL))
);
