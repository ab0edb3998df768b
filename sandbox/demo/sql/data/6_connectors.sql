INSERT INTO connectors (id, name, "displayName", category, "authType", "baseUrl", scopes) VALUES
    (pg_temp.cuid('connector', 1), 'slack', 'Slack', 'COMMUNICATION', 'oauth2', 'https://slack.com/api', '{chat:write,channels:read}'),
    (pg_temp.cuid('connector', 2), 'gmail', 'Gmail', 'EMAIL', 'oauth2', 'https://gmail.googleapis.com', '{gmail.send,gmail.readonly}'),
    (pg_temp.cuid('connector', 3), 'google-sheets', 'Google Sheets', 'PRODUCTIVITY', 'oauth2', 'https://sheets.googleapis.com', '{spreadsheets}'),
    (pg_temp.cuid('connector', 4), 'google-ads', 'Google Ads', 'ADVERTISING', 'oauth2', 'https://googleads.googleapis.com', '{adwords}'),
    (pg_temp.cuid('connector', 5), 'google-analytics', 'Google Analytics', 'ANALYTICS', 'oauth2', 'https://analyticsdata.googleapis.com', '{analytics.readonly}'),
    (pg_temp.cuid('connector', 6), 'notion', 'Notion', 'PRODUCTIVITY', 'oauth2', 'https://api.notion.com', '{}'),
    (pg_temp.cuid('connector', 7), 'hubspot', 'HubSpot', 'CRM', 'oauth2', 'https://api.hubapi.com', '{crm.objects.contacts.read}'),
    (pg_temp.cuid('connector', 8), 'stripe', 'Stripe', 'PAYMENTS', 'api_key', 'https://api.stripe.com', '{}'),
    (pg_temp.cuid('connector', 9), 'shopify', 'Shopify', 'COMMERCE', 'oauth2', 'https://admin.shopify.com', '{read_products,read_orders}'),
    (pg_temp.cuid('connector', 10), 'zapier', 'Zapier', 'AUTOMATION', 'api_key', 'https://api.zapier.com', '{}'),
    (pg_temp.cuid('connector', 11), 'twilio', 'Twilio', 'TELEPHONY', 'api_key', 'https://api.twilio.com', '{}'),
    (pg_temp.cuid('connector', 12), 'linkedin', 'LinkedIn', 'SOCIAL', 'oauth2', 'https://api.linkedin.com', '{w_member_social}'),
    (pg_temp.cuid('connector', 13), 'meta', 'Facebook and Instagram', 'SOCIAL', 'oauth2', 'https://graph.facebook.com', '{pages_manage_posts}'),
    (pg_temp.cuid('connector', 14), 'x', 'X', 'SOCIAL', 'oauth2', 'https://api.x.com', '{tweet.write}'),
    (pg_temp.cuid('connector', 15), 'youtube', 'YouTube', 'SOCIAL', 'oauth2', 'https://youtube.googleapis.com', '{youtube.upload}');

INSERT INTO connector_auths
SELECT pg_temp.cuid('auth', o * 100 + c), pg_temp.cuid('connector', c), pg_temp.cuid('organization', o),
    '\x00ff'::bytea || sha256(convert_to(o || '/' || c, 'UTF8')), pg_temp.uuid('key', o),
    CASE WHEN c % 3 > 0 THEN timestamptz '2025-11-01 00:00+00' + c * interval '1 day' END
FROM generate_series(1, 40) AS o, generate_series(1, 15) AS c
WHERE pg_temp.chance(o * 100 + c, 'connected') < 0.5;

INSERT INTO connector_sync_runs ("authId", status, records, "startedAt")
SELECT id, CASE WHEN day % 9 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END::"RunStatus", day * 7 % 400,
    timestamptz '2025-10-26 03:17+00' - day * interval '1 day'
FROM (SELECT id FROM connector_auths ORDER BY id) AS auth, generate_series(1, pg_temp.rows(14)) AS day;

INSERT INTO connector_webhooks
SELECT pg_temp.uuid('webhook', n), pg_temp.cuid('connector', 1 + n % 15), pg_temp.pick(n, 'topic', '{order.paid,message.sent,contact.changed}'::text[]),
    jsonb_build_object('id', n, 'quote', E'it''s "\\quoted"', 'amount', n * 1.10), pg_temp.moment(n, 'webhook')
FROM generate_series(1, pg_temp.rows(3000)) AS n;
