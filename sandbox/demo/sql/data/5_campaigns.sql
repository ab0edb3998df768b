INSERT INTO campaigns
SELECT pg_temp.cuid('campaign', n), pg_temp.cuid('organization', 1 + n % 40), pg_temp.cuid('brand', 1 + n % 80),
    'Campaign ' || n, (enum_range(NULL::"CampaignStatus"))[1 + n % 5], 100 + pg_temp.below(n, 'budget', 9000000) / 100.0,
    daterange(pg_temp.moment(n, 'campaign')::date, pg_temp.moment(n, 'campaign')::date + 60), pg_temp.moment(n, 'campaign')
FROM generate_series(1, pg_temp.rows(200)) AS n;

INSERT INTO campaign_metrics
SELECT pg_temp.cuid('campaign', n), date '2025-08-27' + day, impressions, impressions * pg_temp.below(n * 100 + day, 'clicks', 9) / 100,
    round((impressions * 0.0123)::numeric, 2)
FROM generate_series(1, pg_temp.rows(200)) AS n, generate_series(0, 59) AS day,
    LATERAL (SELECT pg_temp.below(n * 100 + day, 'impressions', 50000)::bigint AS impressions) AS seen;

INSERT INTO campaign_ab_tests
SELECT pg_temp.cuid('test', n), pg_temp.cuid('campaign', n), pg_temp.sentence(n, 'hypothesis', 10),
    jsonb_build_array(jsonb_build_object('name', 'A', 'share', 0.5), jsonb_build_object('name', 'B', 'share', 0.5)),
    CASE WHEN n % 2 = 0 THEN 'A' END
FROM generate_series(1, pg_temp.rows(100)) AS n;

INSERT INTO content_items
SELECT pg_temp.cuid('content', n), pg_temp.cuid('campaign', 1 + n % pg_temp.rows(200)), pg_temp.cuid('agent', 1 + n % 160),
    (enum_range(NULL::"ContentKind"))[1 + n % 5], initcap(pg_temp.sentence(n, 'content', 6)), pg_temp.sentence(n, 'text', 80),
    ARRAY['BLOG', 'EMAIL']::"ContentKind"[], CASE WHEN n % 4 > 0 THEN pg_temp.moment(n, 'content') END, pg_temp.moment(n, 'content')
FROM generate_series(1, pg_temp.rows(2000)) AS n;

INSERT INTO content_drafts ("contentId", revision, body)
SELECT pg_temp.cuid('content', n), revision, pg_temp.sentence(n + revision, 'text', 40)
FROM generate_series(1, pg_temp.rows(2000)) AS n, generate_series(1, 2) AS revision;

INSERT INTO email_sequences
SELECT pg_temp.cuid('sequence', n), pg_temp.cuid('campaign', n), pg_temp.sentence(n, 'subject', 6),
    ARRAY[jsonb_build_object('day', 0, 'template', 'welcome'), jsonb_build_object('day', 3, 'template', 'reminder')],
    (1 + n % 5) * interval '1 day'
FROM generate_series(1, pg_temp.rows(100)) AS n;

INSERT INTO social_posts
SELECT pg_temp.cuid('post', n), pg_temp.cuid('content', n), pg_temp.pick(n, 'network', '{linkedin,x,facebook,instagram}'::text[]),
    pg_temp.sentence(n, 'post', 15) || ' 🚀', jsonb_build_object('like', pg_temp.below(n, 'like', 500)), pg_temp.moment(n, 'post')
FROM generate_series(1, pg_temp.rows(2000)) AS n;

INSERT INTO keywords ("brandId", phrase, "monthlySearches")
SELECT pg_temp.cuid('brand', 1 + n % 80), pg_temp.sentence(n, 'keyword', 2) || ' ' || n,
    CASE WHEN n % 10 > 0 THEN pg_temp.below(n, 'searches', 100000) END
FROM generate_series(1, pg_temp.rows(400)) AS n;

INSERT INTO keyword_rankings
SELECT n, date '2025-09-26' + day, CASE WHEN pg_temp.chance(n * 100 + day, 'ranked') < 0.8 THEN 1 + pg_temp.below(n * 100 + day, 'rank', 100) END
FROM generate_series(1, pg_temp.rows(400)) AS n, generate_series(0, 29) AS day;
