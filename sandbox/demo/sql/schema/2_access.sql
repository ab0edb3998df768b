-- Organisations, the people in them, and what those people may do: 10 tables.

CREATE TABLE organizations (
    id text PRIMARY KEY,
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'pro', 'enterprise')),
    settings jsonb NOT NULL DEFAULT '{}',
    "createdAt" timestamptz(3) NOT NULL DEFAULT now(),
    "updatedAt" timestamptz(3) NOT NULL DEFAULT now()
);
COMMENT ON TABLE organizations IS 'Customers. Everything else belongs to one of them.';
COMMENT ON COLUMN organizations.slug IS 'Appears in addresses; never reused.';

CREATE TABLE users (
    id text PRIMARY KEY,
    email text NOT NULL,
    name text,
    "avatarDigest" bytea,
    locale text NOT NULL DEFAULT 'en' COLLATE "C",
    "createdAt" timestamptz(3) NOT NULL DEFAULT now(),
    "deletedAt" timestamptz(3),
    CONSTRAINT "users_email_looks_valid" CHECK (email LIKE '%_@_%')
);
CREATE UNIQUE INDEX "users_email_of_the_living_key" ON users (lower(email)) WHERE "deletedAt" IS NULL;

CREATE TABLE roles (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "organizationId" text REFERENCES organizations ON DELETE CASCADE,
    name text NOT NULL,
    UNIQUE NULLS NOT DISTINCT ("organizationId", name)
);
COMMENT ON COLUMN roles."organizationId" IS 'Null: a role that every organisation has.';

CREATE TABLE permissions (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resource text NOT NULL,
    action text NOT NULL,
    key text NOT NULL GENERATED ALWAYS AS (resource || ':' || action) STORED UNIQUE
);

CREATE TABLE role_permissions (
    "roleId" integer NOT NULL REFERENCES roles ON DELETE CASCADE,
    "permissionId" integer NOT NULL REFERENCES permissions ON DELETE CASCADE,
    PRIMARY KEY ("roleId", "permissionId")
);

CREATE TABLE organization_memberships (
    id text PRIMARY KEY,
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    "userId" text NOT NULL REFERENCES users ON DELETE CASCADE,
    "roleId" integer NOT NULL REFERENCES roles,
    status "MembershipStatus" NOT NULL DEFAULT 'INVITED',
    "joinedAt" timestamptz(3),
    UNIQUE ("organizationId", "userId"),
    CHECK (status <> 'ACTIVE' OR "joinedAt" IS NOT NULL)
);

CREATE TABLE accounts (
    id text PRIMARY KEY,
    "userId" text NOT NULL REFERENCES users ON DELETE CASCADE,
    provider text NOT NULL,
    "providerAccountId" text NOT NULL,
    scopes text[] NOT NULL DEFAULT '{}',
    UNIQUE (provider, "providerAccountId")
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "userId" text NOT NULL REFERENCES users ON DELETE CASCADE,
    "tokenDigest" bytea NOT NULL UNIQUE CHECK (octet_length("tokenDigest") = 32),
    "ipAddress" inet,
    "expiresAt" timestamptz(3) NOT NULL
);
CREATE INDEX "sessions_expiresAt_idx" ON sessions ("expiresAt");

CREATE TABLE invitations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    email text NOT NULL,
    "invitedById" text REFERENCES users ON DELETE SET NULL,
    "acceptedAt" timestamptz(3)
);
CREATE UNIQUE INDEX "invitations_one_open_per_email_key"
    ON invitations ("organizationId", lower(email)) WHERE "acceptedAt" IS NULL;

CREATE TABLE api_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name text NOT NULL,
    prefix char(8) NOT NULL,
    "keyDigest" bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL DEFAULT '{read}',
    "lastUsedAt" timestamptz(3)
);
