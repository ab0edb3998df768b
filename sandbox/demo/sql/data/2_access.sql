INSERT INTO organizations
SELECT pg_temp.cuid('organization', n), initcap(pg_temp.sentence(n, 'organization', 2)) || ' ' || n, 'org-' || n,
    pg_temp.pick(n, 'plan', '{free,free,pro,enterprise}'::text[]),
    jsonb_build_object('timezone', pg_temp.pick(n, 'zone', '{UTC,Europe/Berlin,America/New_York,Asia/Tokyo}'::text[]),
        'features', jsonb_build_array('agents', 'campaigns'), 'seatLimit', 5 + pg_temp.below(n, 'seats', 200)),
    pg_temp.moment(n, 'organization'), timestamptz '2025-10-26 00:00+00'
FROM generate_series(1, 40) AS n;

INSERT INTO users
SELECT pg_temp.cuid('user', n), 'Person.' || n || '@example.com',
    CASE WHEN n % 11 > 0 THEN initcap(pg_temp.sentence(n, 'user', 2)) END,
    CASE WHEN n % 3 = 0 THEN decode(md5('avatar' || n), 'hex') END,
    pg_temp.pick(n, 'locale', '{en,en,de,fr,ja}'::text[]), pg_temp.moment(n, 'user'),
    CASE WHEN n % 50 = 0 THEN timestamptz '2025-10-26 00:00+00' END
FROM generate_series(1, pg_temp.rows(2000)) AS n;

INSERT INTO roles ("organizationId", name) VALUES (NULL, 'owner'), (NULL, 'admin'), (NULL, 'editor'), (NULL, 'viewer');
INSERT INTO roles ("organizationId", name)
SELECT pg_temp.cuid('organization', n), 'reviewer' FROM generate_series(1, 40, 2) AS n;

INSERT INTO permissions (resource, action)
SELECT resource, action
FROM unnest('{brand,agent,campaign,content,connector,billing}'::text[]) AS resource,
    unnest('{read,create,update,delete}'::text[]) AS action
ORDER BY resource, action;

INSERT INTO role_permissions
SELECT roles.id, permissions.id FROM roles, permissions
WHERE roles.name IN ('owner', 'admin') OR permissions.action = 'read'
    OR (roles.name = 'editor' AND permissions.resource IN ('campaign', 'content'));

INSERT INTO organization_memberships
SELECT pg_temp.cuid('membership', n), pg_temp.cuid('organization', 1 + n % 40), pg_temp.cuid('user', n), 1 + n % 4,
    CASE n % 20 WHEN 0 THEN 'INVITED' WHEN 1 THEN 'SUSPENDED' ELSE 'ACTIVE' END::"MembershipStatus",
    CASE WHEN n % 20 > 0 THEN pg_temp.moment(n, 'user') END
FROM generate_series(1, pg_temp.rows(2000)) AS n;

INSERT INTO accounts
SELECT pg_temp.cuid('account', n), pg_temp.cuid('user', n), pg_temp.pick(n, 'provider', '{google,github}'::text[]),
    md5('account' || n), '{openid,email,profile}'
FROM generate_series(1, pg_temp.rows(1500)) AS n;

INSERT INTO sessions
SELECT pg_temp.uuid('session', n), pg_temp.cuid('user', 1 + pg_temp.below(n, 'session', pg_temp.rows(2000))),
    sha256(convert_to('session' || n, 'UTF8')),
    CASE WHEN n % 4 = 0 THEN inet '2001:db8::' + n ELSE inet '203.0.113.0' + n % 256 END,
    pg_temp.moment(n, 'session') + interval '30 days'
FROM generate_series(1, pg_temp.rows(3000)) AS n;

INSERT INTO invitations
SELECT pg_temp.uuid('invitation', n), pg_temp.cuid('organization', 1 + n % 40), 'guest.' || n || '@example.org',
    pg_temp.cuid('user', n), CASE WHEN n % 3 = 0 THEN pg_temp.moment(n, 'invitation') END
FROM generate_series(1, pg_temp.rows(200)) AS n;

INSERT INTO api_keys
SELECT pg_temp.uuid('key', n), pg_temp.cuid('organization', 1 + n % 40), 'key ' || n, substr(md5('key' || n), 1, 8),
    sha256(convert_to('key' || n, 'UTF8')), CASE WHEN n % 2 = 0 THEN '{read,write}'::text[] ELSE '{read}' END, NULL
FROM generate_series(1, 80) AS n;
