INSERT INTO contacts
SELECT pg_temp.uuid('contact', n), pg_temp.cuid('organization', 1 + n % 40), 'contact.' || n || '@example.net',
    jsonb_build_object('city', pg_temp.pick(n, 'city', '{Berlin,"São Paulo",東京,"New York"}'::text[]), 'score', pg_temp.below(n, 'score', 100)),
    CASE WHEN n % 25 = 0 THEN pg_temp.moment(n, 'unsubscribed') END
FROM generate_series(1, pg_temp.rows(5000)) AS n;

INSERT INTO subscriptions
SELECT pg_temp.cuid('subscription', n), pg_temp.cuid('organization', n),
    tstzrange(timestamptz '2025-05-01 00:00+00', CASE WHEN n % 5 = 0 THEN timestamptz '2025-09-01 00:00+00' END), 3 + n
FROM generate_series(1, 40) AS n;

INSERT INTO invoices ("organizationId", net, "taxRate", "issuedOn")
SELECT pg_temp.cuid('organization', n), 49 + pg_temp.below(n * 10 + month, 'net', 100000) / 100.0, 0.19, date '2025-05-01' + month * 30
FROM generate_series(1, 40) AS n, generate_series(0, 5) AS month
ORDER BY month, n;

-- One in a thousand is older than every month that has a partition.
INSERT INTO events
SELECT pg_temp.uuid('event', n), pg_temp.cuid('organization', 1 + pg_temp.below(n, 'event', 40)),
    pg_temp.pick(n, 'type', '{page.viewed,email.opened,email.clicked,content.published,agent.finished,payment.received}'::text[]),
    jsonb_build_object('path', '/' || pg_temp.pick(n, 'path', '{home,pricing,blog,docs}'::text[]), 'visitor', md5('visitor' || n % 999), 'ms', n % 3000),
    pg_temp.moment(n, 'event') - CASE WHEN n % 1000 = 0 THEN interval '1 year' ELSE interval '0' END
FROM generate_series(1, pg_temp.rows(30000)) AS n;

INSERT INTO audit_logs ("organizationId", "actorId", action, changes, "ipAddress", checksum, "at")
SELECT pg_temp.cuid('organization', 1 + n % 40), CASE WHEN n % 6 > 0 THEN pg_temp.cuid('user', 1 + n % pg_temp.rows(2000)) END,
    pg_temp.pick(n, 'action', '{brand.updated,agent.created,campaign.started,member.invited}'::text[]),
    jsonb_build_object('before', n, 'after', n + 1), inet '198.51.100.0' + n % 256, sha256(convert_to('audit' || n, 'UTF8')),
    timestamptz '2025-05-01 00:00+00' + n * interval '20 minutes'
FROM generate_series(1, pg_temp.rows(12000)) AS n;
