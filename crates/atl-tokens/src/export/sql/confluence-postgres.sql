-- The OAuth 1.0a grants of a Confluence, for `atl-admin tokens import`. This reads and changes nothing; it selects a digest
-- of each token, computed here, and never the token.
--
-- [inferred] How Confluence writes down what it keeps of a token was not seen on a real one. Of BANDANA only the rows
-- `token.*`, `userAccessTokens.*` and `consumerTokens.*` are read, of the latter two also those whose names were too long and
-- end in a digest. Compare what comes out with the page of access tokens of a user or two before you rely on it.
--
--   PGOPTIONS='-c default_transaction_read_only=on' \
--     psql --no-psqlrc --quiet --csv --file confluence-postgres.sql postgres://USER@HOST/DATABASE > grants.csv
--   atl-admin tokens import grants.csv -s SERVER
WITH kept AS (
    SELECT substr(bandanakey, 63) AS name, bandanavalue AS text
    FROM bandana
    WHERE bandanacontext = '_GLOBAL'
        AND left(bandanakey, 62) = 'com.atlassian.oauth.serviceprovider.ServiceProviderTokenStore.'
), tokens AS (
    SELECT substr(name, 7) AS token,
        substring(text FROM '(?:"creationTime" value="|"creationTime">|\ncreationTime=)([0-9]+)')::bigint AS created,
        substring(text FROM '(?:"timeToLive" value="|"timeToLive">|\ntimeToLive=)([0-9]+)')::numeric AS ttl,
        substring(text FROM '(?:"session\.lastRenewalTime" value="|"session\.lastRenewalTime">|\nsession\.lastRenewalTime=)([0-9]+)')::numeric AS renewed,
        substring(text FROM '(?:"session\.timeToLive" value="|"session\.timeToLive">|\nsession\.timeToLive=)([0-9]+)')::numeric AS session_ttl
    FROM kept
    WHERE name LIKE 'token.%'
), users AS (
    SELECT COALESCE(substring(text FROM '(?:"username" value="|"username">|\nusername=)([^"<\n]+)'), CASE WHEN name LIKE 'userAccessTokens.%' THEN substr(name, 18) END, '(unknown)') AS username,
        regexp_split_to_table(substring(text FROM '(?:"keys" value="|"keys">|\nkeys=|^<string>)([^"<\n]+)'), '/') AS token
    FROM kept
    WHERE name LIKE 'userAc%'
), consumers AS (
    SELECT COALESCE(substring(text FROM '(?:"consumerKey" value="|"consumerKey">|\nconsumerKey=)([^"<\n]+)'), CASE WHEN name LIKE 'consumerTokens.%' THEN substr(name, 16) END) AS consumer_key,
        regexp_split_to_table(substring(text FROM '(?:"keys" value="|"keys">|\nkeys=|^<string>)([^"<\n]+)'), '/') AS token
    FROM kept
    WHERE name LIKE 'consum%'
)
SELECT 'confluence' AS product, 'oauth1' AS kind,
    left(encode(sha256(convert_to(t.token, 'UTF8')), 'hex'), 12) AS id, NULL AS handle,
    u.username AS "user", NULL AS user_status, c.consumer_key AS consumer_key, NULL AS consumer_name,
    NULL AS consumer_registered, NULL AS name, NULL AS scopes, t.created AS created,
    CASE WHEN t.ttl < 10000000000000 THEN t.created + t.ttl END AS expires, t.renewed + t.session_ttl AS renewable_until,
    NULL AS last_used, to_json(now()) #>> '{}' AS exported
FROM tokens t
JOIN users u ON u.token = t.token
LEFT JOIN consumers c ON c.token = t.token
;
