INSERT INTO datasets
SELECT pg_temp.cuid('dataset', n), pg_temp.cuid('organization', n), 'Knowledge of ' || n, n FROM generate_series(1, 40) AS n;

INSERT INTO documents ("id", "datasetId", title, body, tags, metadata, "updatedAt")
SELECT pg_temp.cuid('document', n), pg_temp.cuid('dataset', 1 + n % 40), initcap(pg_temp.sentence(n, 'document', 5)),
    pg_temp.sentence(n, 'body', 60), ARRAY[pg_temp.pick(n, 'tag', '{faq,guide,report,press}'::text[]), 'v' || n % 7],
    jsonb_build_object('source', 'https://docs.example/' || n, 'pages', 1 + n % 40), pg_temp.moment(n, 'document')
FROM generate_series(1, pg_temp.rows(1000)) AS n;

INSERT INTO document_versions
SELECT pg_temp.cuid('document', n), version, pg_temp.sentence(n + version, 'body', 40), pg_temp.moment(n, 'document')
FROM generate_series(1, pg_temp.rows(1000)) AS n, generate_series(1, 2) AS version;

INSERT INTO document_chunks ("documentId", position, content, embedding)
SELECT pg_temp.cuid('document', n), position, pg_temp.sentence(n * 10 + position, 'chunk', 25), pg_temp.embedding(n * 4 + position)
FROM generate_series(1, pg_temp.rows(1000)) AS n, generate_series(0, 3) AS position;

INSERT INTO agent_memories ("agentId", memory, embedding, "rememberedAt")
SELECT pg_temp.cuid('agent', 1 + n % 160), pg_temp.sentence(n, 'memory', 12),
    CASE WHEN n % 20 > 0 THEN pg_temp.embedding(100000 + n) END, pg_temp.moment(n, 'memory')
FROM generate_series(1, pg_temp.rows(1200)) AS n;

INSERT INTO ingestion_jobs ("datasetId", status, error, "startedAt")
SELECT pg_temp.cuid('dataset', 1 + n % 40), CASE WHEN n % 12 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END::"RunStatus",
    CASE WHEN n % 12 = 0 THEN E'page 3:\n\tunexpected "\\" at \u2028 end' END, pg_temp.moment(n, 'job')
FROM generate_series(1, pg_temp.rows(600)) AS n;
