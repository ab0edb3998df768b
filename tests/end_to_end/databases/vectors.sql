-- pgvector in a schema of its own: every type, distance and index, and the values at their limits.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;

CREATE SCHEMA "Vector Extension";
CREATE EXTENSION vector SCHEMA "Vector Extension";
SET search_path = public, "Vector Extension";
SET maintenance_work_mem = '128MB';

CREATE FUNCTION made_up(seed integer, dimensions integer) RETURNS float4[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((hashint8extended(seed * 10007::bigint + d, 1) % 1000 / 1000.0)::float4 ORDER BY d) FROM generate_series(1, dimensions) AS d
$$;

CREATE TABLE embeddings (id integer PRIMARY KEY, kind text, v vector(64), h halfvec(64), s sparsevec(1000), b bit(64));
INSERT INTO embeddings
SELECT n, 'kind ' || n % 3, f, f::vector(64)::halfvec(64), format('{%s:1.5,%s:-2,1000:0.25}/1000', 1 + n % 400, 401 + n % 500)::sparsevec, binary_quantize(f::vector(64))::bit(64)
FROM generate_series(1, 1500) AS n, LATERAL (SELECT made_up(n, 64) AS f) AS floats;
INSERT INTO embeddings (id) VALUES (0);
UPDATE embeddings SET v = NULL WHERE id % 100 = 0;

CREATE INDEX hnsw_cosine ON embeddings USING hnsw (v vector_cosine_ops) WITH (m = 8, ef_construction = 32);
CREATE INDEX hnsw_l2 ON embeddings USING hnsw (v vector_l2_ops) WHERE kind = 'kind 1';
CREATE INDEX hnsw_ip ON embeddings USING hnsw (h halfvec_ip_ops);
CREATE INDEX hnsw_l1 ON embeddings USING hnsw (s sparsevec_l1_ops);
CREATE INDEX hnsw_hamming ON embeddings USING hnsw (b bit_hamming_ops);
CREATE INDEX hnsw_jaccard ON embeddings USING hnsw ((binary_quantize(v)::bit(64)) bit_jaccard_ops);
CREATE INDEX hnsw_half ON embeddings USING hnsw ((v::halfvec(64)) halfvec_cosine_ops);
CREATE INDEX hnsw_part ON embeddings USING hnsw ((subvector(v, 1, 16)::vector(16)) vector_cosine_ops);
CREATE INDEX ivf_cosine ON embeddings USING ivfflat (v vector_cosine_ops) WITH (lists = 20);
CREATE INDEX ivf_half ON embeddings USING ivfflat (h halfvec_l2_ops) WITH (lists = 5);
CREATE INDEX ivf_bits ON embeddings USING ivfflat (b bit_hamming_ops) WITH (lists = 5);
CREATE INDEX by_value ON embeddings (v);
COMMENT ON INDEX hnsw_cosine IS 'An index''s comment';

-- Values at their limits, of any number of dimensions ----------------------------------------------
CREATE TABLE limits (id serial PRIMARY KEY, v vector, h halfvec, s sparsevec, b bit varying);
INSERT INTO limits (v, h, s, b) VALUES
    ('[0]', '[0]', '{}/1', '1'), ('[0,0,0]', '[-0,0]', '{}/1000000000', ''), ('[-0,1e-45,3.4028235e38]', '[65504,-65504,6e-8]', '{1:1e-45,1000000000:-3.4028235e38}/1000000000', '10'),
    ('[0.1,0.2,0.30000001]', '[0.1,0.33325]', '{2:0.1}/5', '111'), (NULL, NULL, NULL, NULL);
INSERT INTO limits (v, h) SELECT made_up(1, 16000)::vector, made_up(2, 16000)::halfvec;

-- In arrays, domains, composites, partitions, generated columns, keys ------------------------------
CREATE DOMAIN unit AS vector(3) CHECK (vector_norm(VALUE) BETWEEN 0.999 AND 1.001);
CREATE TYPE hit AS (id integer, at vector(3), score float8);
CREATE TABLE nested (
    id serial PRIMARY KEY, vs vector[], v3s vector(3)[], hs halfvec(2)[], ss sparsevec[], u unit, h hit, hits hit[],
    l2 float8 GENERATED ALWAYS AS (vector_norm((h).at)) STORED, d vector(3) DEFAULT '[1,2,3]'
);
INSERT INTO nested (vs, v3s, hs, ss, u, h, hits) VALUES
    (ARRAY['[1,2]', '[1,2,3]', NULL]::vector[], ARRAY[['[1,2,3]', '[4,5,6]']]::vector(3)[], '{}', ARRAY['{1:1}/3', '{}/2']::sparsevec[], '[0.6,0.8,0]', ROW(1, '[1,1,1]', 0.5), ARRAY[ROW(2, '[0,0,0]', 'NaN')::hit, NULL]),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE parts (tenant text, v vector(8), PRIMARY KEY (tenant, v)) PARTITION BY LIST (tenant);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE INDEX parts_v ON parts USING hnsw (v vector_cosine_ops);
INSERT INTO parts SELECT chr(97 + n % 3), made_up(n, 8)::vector FROM generate_series(1, 300) AS n;

ALTER TABLE embeddings ALTER v SET STORAGE PLAIN;
CREATE FUNCTION nearest(question vector(64), wanted integer DEFAULT 5) RETURNS SETOF embeddings LANGUAGE sql STABLE SET search_path = public, "Vector Extension" SET hnsw.ef_search = 100 AS $$
    SELECT * FROM embeddings ORDER BY v <=> question LIMIT wanted
$$;
CREATE MATERIALIZED VIEW centres AS SELECT kind, avg(v ORDER BY id)::vector(64) AS centre, sum(h ORDER BY id) AS total, array_agg(b ORDER BY id) AS bits FROM embeddings GROUP BY kind;
CREATE INDEX centres_centre ON centres USING hnsw (centre vector_cosine_ops);
CREATE VIEW close AS SELECT a.id, b.id AS other, a.v <-> b.v AS l2, a.v <#> b.v AS ip, a.v <+> b.v AS l1, a.b <~> b.b AS hamming, a.b <%> b.b AS jaccard FROM embeddings AS a JOIN embeddings AS b ON a.id = b.id + 1;
