-- Campaigns, what they publish, and how it does: 9 tables.

CREATE TABLE campaigns (
    id text PRIMARY KEY,
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    "brandId" text NOT NULL REFERENCES brands,
    name text NOT NULL,
    status "CampaignStatus" NOT NULL DEFAULT 'DRAFT',
    budget numeric(12, 2) NOT NULL CHECK (budget >= 0),
    "runsDuring" daterange NOT NULL CHECK (NOT isempty("runsDuring")),
    "updatedAt" timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX "campaigns_runsDuring_idx" ON campaigns USING gist ("runsDuring");

CREATE TABLE campaign_metrics (
    "campaignId" text NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    day date NOT NULL,
    impressions bigint NOT NULL,
    clicks bigint NOT NULL,
    spend numeric(12, 2) NOT NULL,
    "clickRate" double precision GENERATED ALWAYS AS
        (CASE WHEN impressions > 0 THEN clicks::double precision / impressions END) STORED,
    PRIMARY KEY ("campaignId", day),
    CHECK (clicks <= impressions)
);

CREATE TABLE campaign_ab_tests (
    id text PRIMARY KEY,
    "campaignId" text NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    hypothesis text NOT NULL,
    variants jsonb NOT NULL,
    winner text
);

CREATE TABLE content_items (
    id text PRIMARY KEY,
    "campaignId" text NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    "authorAgentId" text REFERENCES agents ON DELETE SET NULL,
    kind "ContentKind" NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    channels "ContentKind"[] NOT NULL DEFAULT '{}',
    "publishedAt" timestamptz(3),
    "updatedAt" timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX "content_items_published_idx" ON content_items ("publishedAt") WHERE "publishedAt" IS NOT NULL;

CREATE TABLE content_drafts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "contentId" text NOT NULL REFERENCES content_items ON DELETE CASCADE,
    revision integer NOT NULL,
    body text NOT NULL,
    UNIQUE ("contentId", revision)
);

CREATE TABLE email_sequences (
    id text PRIMARY KEY,
    "campaignId" text NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    subject text NOT NULL,
    steps jsonb[] NOT NULL,
    "waitBetween" interval NOT NULL DEFAULT '2 days'
);

CREATE TABLE social_posts (
    id text PRIMARY KEY,
    "contentId" text NOT NULL REFERENCES content_items ON DELETE CASCADE,
    network text NOT NULL,
    body varchar(3000) NOT NULL,
    reactions jsonb NOT NULL DEFAULT '{}',
    "postedAt" timestamptz(3)
);

CREATE TABLE keywords (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "brandId" text NOT NULL REFERENCES brands ON DELETE CASCADE,
    phrase text NOT NULL,
    "monthlySearches" integer,
    UNIQUE ("brandId", phrase)
);

CREATE TABLE keyword_rankings (
    "keywordId" integer NOT NULL REFERENCES keywords ON DELETE CASCADE,
    day date NOT NULL,
    rank smallint CHECK (rank > 0),
    PRIMARY KEY ("keywordId", day)
);
COMMENT ON COLUMN keyword_rankings.rank IS 'Null: not among the first hundred.';
