-- What agents know: documents, their pieces, and 1536-dimension embeddings: 6 tables.

CREATE TABLE datasets (
    id text PRIMARY KEY,
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name text NOT NULL,
    "spaceId" integer NOT NULL REFERENCES embedding_spaces
);

CREATE TABLE documents (
    id text PRIMARY KEY,
    "datasetId" text NOT NULL REFERENCES datasets ON DELETE CASCADE,
    title text NOT NULL,
    body text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    search tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, title || ' ' || body)) STORED,
    "updatedAt" timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX "documents_search_idx" ON documents USING gin (search);
CREATE INDEX "documents_tags_idx" ON documents USING gin (tags);

CREATE TABLE document_versions (
    "documentId" text NOT NULL REFERENCES documents ON DELETE CASCADE,
    version integer NOT NULL,
    body text NOT NULL,
    "savedAt" timestamptz(3) NOT NULL,
    PRIMARY KEY ("documentId", version)
);

CREATE TABLE document_chunks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "documentId" text NOT NULL REFERENCES documents ON DELETE CASCADE,
    position integer NOT NULL,
    content text NOT NULL,
    embedding vector(1536) NOT NULL,
    UNIQUE ("documentId", position)
);
COMMENT ON COLUMN document_chunks.embedding IS 'Of length 1, so that cosine distance is meaningful.';

CREATE TABLE agent_memories (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "agentId" text NOT NULL REFERENCES agents ON DELETE CASCADE,
    memory text NOT NULL,
    embedding vector(1536),
    "rememberedAt" timestamptz(3) NOT NULL
);
COMMENT ON COLUMN agent_memories.embedding IS 'Null until the embedding job has reached the row.';

CREATE TABLE ingestion_jobs (
    id bigserial PRIMARY KEY,
    "datasetId" text NOT NULL REFERENCES datasets ON DELETE CASCADE,
    status "RunStatus" NOT NULL,
    error text,
    "startedAt" timestamptz(3) NOT NULL
);
