-- What the data is made with. Everything follows from a row's number and a word of salt, so the
-- same scale gives the same rows. These live in pg_temp: the database keeps none of them.

-- demo.scale is set by the caller; 1 is the usual size.
CREATE FUNCTION pg_temp.rows(usual integer) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT greatest(1, (usual * current_setting('demo.scale')::float8)::integer)
$$;

-- From 0 up to, never reaching, 1.
CREATE FUNCTION pg_temp.chance(n bigint, salt text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashint8extended(n, hashtextextended(salt, 0)) & 4503599627370495) / 4503599627370496.0::float8
$$;

CREATE FUNCTION pg_temp.below(n bigint, salt text, bound integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT floor(pg_temp.chance(n, salt) * bound)::integer
$$;

CREATE FUNCTION pg_temp.pick(n bigint, salt text, choices anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$
    SELECT choices[1 + pg_temp.below(n, salt, cardinality(choices))]
$$;

-- 25 characters that begin with a c, as Prisma's cuid().
CREATE FUNCTION pg_temp.cuid(model text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'c' || substr(md5(model || n), 1, 24)
$$;

CREATE FUNCTION pg_temp.uuid(model text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(model || n)::uuid
$$;

-- Within the half year before 26 October 2025.
CREATE FUNCTION pg_temp.moment(n bigint, salt text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT timestamptz '2025-10-26 00:00+00' - pg_temp.chance(n, salt) * interval '177 days'
$$;

-- In plpgsql, because an SQL function that aggregates takes ten times as long. There are 32 words, so
-- five bits of a hash choose one.
CREATE FUNCTION pg_temp.sentence(n bigint, salt text, words integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    vocabulary CONSTANT text[] := '{brand,launch,audience,signal,neon,growth,story,market,customer,insight,
        voice,channel,trend,design,quarter,retention,funnel,keyword,newsletter,partner,creative,budget,
        segment,journey,conversion,momentum,loyalty,preview,café,größe,東京,façade}';
    bits bigint := hashint8extended(n, hashtextextended(salt, 0));
    said text := '';
BEGIN
    FOR word IN 1..words LOOP
        said := said || ' ' || vocabulary[1 + (bits & 31)];
        bits := CASE WHEN word % 12 = 0 THEN hashint8extended(bits, word) ELSE bits >> 5 END;
    END LOOP;
    RETURN substr(said, 2);
END
$$;

-- Embeddings: of a topic, with a noise that is the product of two of 120 random vectors plus a third.
-- Multiplying whole vectors is what makes thousands of them quick.
CREATE TEMPORARY TABLE demo_noise ON COMMIT DROP AS
    SELECT n AS number, array_agg((pg_temp.chance(n * 1536 + d, 'noise') - 0.5) * 3.4 ORDER BY d)::vector(1536) AS v
    FROM generate_series(0, 143) AS n, generate_series(0, 1535) AS d
    GROUP BY n;
ALTER TABLE demo_noise ADD PRIMARY KEY (number);
ANALYZE demo_noise;

CREATE FUNCTION pg_temp.embedding(n bigint) RETURNS vector LANGUAGE sql STABLE AS $$
    SELECT l2_normalize(topic.v + one.v * two.v + three.v)
    FROM pg_temp.demo_noise AS topic, pg_temp.demo_noise AS one,
        pg_temp.demo_noise AS two, pg_temp.demo_noise AS three
    WHERE topic.number = 120 + n % 24 AND one.number = n % 120
        AND two.number = (n % 120 + 1 + (n / 120) % 60) % 120 AND three.number = (n / 7200) % 120
$$;
