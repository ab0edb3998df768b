-- What is built on the rows: search, views, functions and triggers.

CREATE INDEX "document_chunks_embedding_idx" ON document_chunks USING hnsw (embedding vector_cosine_ops);
-- Half the precision, half the size.
CREATE INDEX "agent_memories_embedding_idx" ON agent_memories USING hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops)
    WHERE embedding IS NOT NULL;

CREATE FUNCTION match_document_chunks(question vector(1536), wanted integer DEFAULT 10)
    RETURNS TABLE (id bigint, content text, similarity double precision)
    LANGUAGE sql STABLE AS $$
    SELECT chunk.id, chunk.content, 1 - (chunk.embedding <=> question)
    FROM document_chunks AS chunk
    ORDER BY chunk.embedding <=> question
    LIMIT wanted
$$;
COMMENT ON FUNCTION match_document_chunks IS 'The pieces of documents nearest in meaning, best first.';

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."updatedAt" := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER organizations_touch BEFORE UPDATE ON organizations FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER brands_touch BEFORE UPDATE ON brands FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER agents_touch BEFORE UPDATE ON agents FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER campaigns_touch BEFORE UPDATE OF name, status, budget ON campaigns
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER content_items_touch BEFORE UPDATE ON content_items FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE VIEW campaign_overview AS
    SELECT campaigns.id, campaigns.name, brands.name AS brand, campaigns.status,
        sum(campaign_metrics.impressions) AS impressions, sum(campaign_metrics.clicks) AS clicks,
        round(sum(campaign_metrics.spend), 2) AS spend
    FROM campaigns JOIN brands ON brands.id = campaigns."brandId"
        LEFT JOIN campaign_metrics ON campaign_metrics."campaignId" = campaigns.id
    GROUP BY campaigns.id, brands.name;

CREATE MATERIALIZED VIEW organization_usage AS
    SELECT organizations.id, organizations.name, count(agent_runs.id) AS runs,
        count(*) FILTER (WHERE agent_runs.status = 'FAILED') AS failures,
        max(agent_runs."startedAt") AS "lastRunAt"
    FROM organizations
        LEFT JOIN agents ON agents."organizationId" = organizations.id
        LEFT JOIN agent_runs ON agent_runs."agentId" = agents.id
    GROUP BY organizations.id;
CREATE UNIQUE INDEX "organization_usage_id_key" ON organization_usage (id);
COMMENT ON MATERIALIZED VIEW organization_usage IS 'Refreshed nightly.';

ANALYZE;
