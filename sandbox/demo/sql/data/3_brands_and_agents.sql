INSERT INTO brands
SELECT pg_temp.cuid('brand', n), pg_temp.cuid('organization', 1 + n % 40), 'Brand ' || n, '#' || substr(md5('color' || n), 1, 6),
    ARRAY['brand-' || n || '.example', 'www.brand-' || n || '.example'], pg_temp.moment(n, 'brand')
FROM generate_series(1, 80) AS n;

INSERT INTO brand_voices
SELECT pg_temp.cuid('voice', n), pg_temp.cuid('brand', n), pg_temp.pick(n, 'tone', '{bold,warm,plain,playful}'::text[]),
    jsonb_build_object('do', pg_temp.sentence(n, 'do', 8), 'dont', pg_temp.sentence(n, 'dont', 8), 'formality', n % 10 / 10.0),
    ARRAY['cheap', 'it''s "free"', E'tab\there']
FROM generate_series(1, 80) AS n;

INSERT INTO brand_assets ("brandId", "fileName", thumbnail, "sizeBytes")
SELECT pg_temp.cuid('brand', 1 + n % 80), 'asset-' || n || '.png',
    (SELECT string_agg(sha256(convert_to(n || ':' || part, 'UTF8')), ''::bytea ORDER BY part) FROM generate_series(1, 96) AS part),
    10000 + pg_temp.below(n, 'size', 5000000)
FROM generate_series(1, pg_temp.rows(300)) AS n;

INSERT INTO embedding_spaces ("organizationId", model)
SELECT pg_temp.cuid('organization', n), 'text-embedding-3-small' FROM generate_series(1, 40) AS n;

INSERT INTO agents
SELECT pg_temp.cuid('agent', n), pg_temp.cuid('organization', 1 + n % 40), pg_temp.cuid('brand', 1 + n % 80),
    CASE WHEN n % 5 = 0 THEN pg_temp.cuid('agent', n - 1) END, 'Agent ' || n,
    (enum_range(NULL::"AgentKind"))[1 + n % 7], n % 9 > 0, pg_temp.moment(n, 'agent')
FROM generate_series(1, 160) AS n;

INSERT INTO agent_configs
SELECT pg_temp.cuid('config', n * 10 + version), pg_temp.cuid('agent', n), version, 'model-' || version, (n % 20) / 10.0,
    jsonb_build_object('maxTokens', 1024 * version, 'stop', jsonb_build_array(E'\n\n', '</end>'))
FROM generate_series(1, 160) AS n, generate_series(1, 3) AS version;

INSERT INTO agent_capabilities
SELECT pg_temp.cuid('agent', n), capability
FROM generate_series(1, 160) AS n, unnest('{draft,review,publish,research}'::text[]) WITH ORDINALITY AS c (capability, place)
WHERE (n + place) % 3 > 0;

INSERT INTO agent_prompts ("agentId", template, variables)
SELECT pg_temp.cuid('agent', 1 + n % 160), 'You write for {{brand}}. ' || pg_temp.sentence(n, 'prompt', 30), '{brand,audience}'
FROM generate_series(1, pg_temp.rows(320)) AS n;

INSERT INTO tools (name, "inputSchema")
SELECT name, jsonb_build_object('type', 'object', 'required', jsonb_build_array('query'))
FROM unnest('{web_search,image_generation,crm_lookup,send_email,post_social,read_analytics,run_sql,translate}'::text[]) AS name;

INSERT INTO agent_runs ("agentId", status, input, output, "startedAt", "finishedAt")
SELECT pg_temp.cuid('agent', 1 + pg_temp.below(n, 'run', 160)), status,
    jsonb_build_object('goal', pg_temp.sentence(n, 'goal', 6), 'attempt', 1 + n % 3),
    CASE WHEN status = 'SUCCEEDED' THEN jsonb_build_object('summary', pg_temp.sentence(n, 'summary', 8)) END,
    started, CASE WHEN status NOT IN ('QUEUED', 'RUNNING') THEN started + (1 + n % 90) * interval '1 second' END
FROM generate_series(1, pg_temp.rows(10000)) AS n,
    LATERAL (SELECT CASE WHEN n % 100 < 88 THEN 'SUCCEEDED' WHEN n % 100 < 94 THEN 'FAILED' WHEN n % 100 < 97 THEN 'CANCELLED'
        WHEN n % 100 < 99 THEN 'RUNNING' ELSE 'QUEUED' END::"RunStatus" AS status, pg_temp.moment(n, 'run') AS started) AS run;

INSERT INTO agent_run_metrics
SELECT id, name, pg_temp.below(id, name, 10000000) / 1000.0
FROM agent_runs, unnest('{cost,latency}'::text[]) AS name;

INSERT INTO tool_executions
SELECT pg_temp.uuid('execution', n), n, 1 + n % 8, jsonb_build_object('query', pg_temp.sentence(n, 'query', 4)),
    (1 + pg_temp.below(n, 'duration', 30000)) * interval '1 millisecond'
FROM generate_series(1, pg_temp.rows(8000)) AS n;

INSERT INTO conversations
SELECT pg_temp.cuid('conversation', n), pg_temp.cuid('agent', 1 + n % 160), pg_temp.cuid('user', n),
    pg_temp.sentence(n, 'title', 4), pg_temp.moment(n, 'conversation')
FROM generate_series(1, pg_temp.rows(1500)) AS n;

INSERT INTO messages ("conversationId", role, content, tokens, "sentAt")
SELECT pg_temp.cuid('conversation', n), CASE turn % 2 WHEN 1 THEN 'USER' ELSE 'ASSISTANT' END::"MessageRole",
    pg_temp.sentence(n * 10 + turn, 'message', 6 + turn % 3 * 6), 8 + pg_temp.below(n * 10 + turn, 'tokens', 90),
    pg_temp.moment(n, 'conversation') + turn * interval '20 seconds'
FROM generate_series(1, pg_temp.rows(1500)) AS n, generate_series(1, 8) AS turn;
