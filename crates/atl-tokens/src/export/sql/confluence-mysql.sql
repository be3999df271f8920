-- The OAuth 1.0a grants of a Confluence, for `atl-admin tokens import`. This reads and changes nothing; it selects a digest
-- of each token, computed here, and never the token. For MySQL 8.0.17, MariaDB 10.6, or newer.
--
-- [inferred] How Confluence writes down what it keeps of a token was not seen on a real one. Of BANDANA only the rows
-- `token.*`, `userAccessTokens.*` and `consumerTokens.*` are read, of the latter two also those whose names were too long and
-- end in a digest. Compare what comes out with the page of access tokens of a user or two before you rely on it.
--
--   mysql --batch --default-character-set=utf8mb4 -h HOST -u USER -p DATABASE < confluence-mysql.sql > grants.tsv
--   atl-admin tokens import grants.tsv -s SERVER
WITH kept AS (
    SELECT CONVERT(SUBSTR(BANDANAKEY, 63) USING utf8mb4) COLLATE utf8mb4_bin AS name,
        CONVERT(BANDANAVALUE USING utf8mb4) COLLATE utf8mb4_bin AS text
    FROM BANDANA
    WHERE BANDANACONTEXT = '_GLOBAL'
        AND LEFT(BANDANAKEY, 62) = 'com.atlassian.oauth.serviceprovider.ServiceProviderTokenStore.'
), tokens AS (
    SELECT SUBSTR(name, 7) AS token,
        REGEXP_SUBSTR(text, '(?<="creationTime" value=")[0-9]+|(?<="creationTime">)[0-9]+|(?<=\ncreationTime=)[0-9]+') AS created,
        REGEXP_SUBSTR(text, '(?<="timeToLive" value=")[0-9]+|(?<="timeToLive">)[0-9]+|(?<=\ntimeToLive=)[0-9]+') AS ttl,
        REGEXP_SUBSTR(text, '(?<="session.lastRenewalTime" value=")[0-9]+|(?<="session.lastRenewalTime">)[0-9]+|(?<=\nsession.lastRenewalTime=)[0-9]+') AS renewed,
        REGEXP_SUBSTR(text, '(?<="session.timeToLive" value=")[0-9]+|(?<="session.timeToLive">)[0-9]+|(?<=\nsession.timeToLive=)[0-9]+') AS session_ttl
    FROM kept
    WHERE name LIKE 'token.%'
), users AS (
    SELECT COALESCE(NULLIF(REGEXP_SUBSTR(text, '(?<="username" value=")[^"]+|(?<="username">)[^<]+|(?<=\nusername=)[^\n]+'), ''),
            CASE WHEN name LIKE 'userAccessTokens.%' THEN SUBSTR(name, 18) END, '(unknown)') AS username,
        REGEXP_SUBSTR(text, '(?<="keys" value=")[^"]+|(?<="keys">)[^<]+|(?<=\nkeys=)[^\n]+|(?<=<string>)[^<]+') AS tokens
    FROM kept
    WHERE name LIKE 'userAc%'
), consumers AS (
    SELECT COALESCE(NULLIF(REGEXP_SUBSTR(text, '(?<="consumerKey" value=")[^"]+|(?<="consumerKey">)[^<]+|(?<=\nconsumerKey=)[^\n]+'), ''),
            CASE WHEN name LIKE 'consumerTokens.%' THEN SUBSTR(name, 16) END) AS consumer_key,
        REGEXP_SUBSTR(text, '(?<="keys" value=")[^"]+|(?<="keys">)[^<]+|(?<=\nkeys=)[^\n]+|(?<=<string>)[^<]+') AS tokens
    FROM kept
    WHERE name LIKE 'consum%'
), of_user AS (
    SELECT u.username, CONVERT(j.token USING utf8mb4) COLLATE utf8mb4_bin AS token
    FROM users u, JSON_TABLE(CONCAT('["', REPLACE(u.tokens, '/', '","'), '"]'), '$[*]' COLUMNS (token VARCHAR(255) PATH '$')) j
), of_consumer AS (
    SELECT c.consumer_key, CONVERT(j.token USING utf8mb4) COLLATE utf8mb4_bin AS token
    FROM consumers c, JSON_TABLE(CONCAT('["', REPLACE(c.tokens, '/', '","'), '"]'), '$[*]' COLUMNS (token VARCHAR(255) PATH '$')) j
)
SELECT 'confluence' AS product, 'oauth1' AS kind, LEFT(SHA2(t.token, 256), 12) AS id, NULL AS handle,
    u.username AS `user`, NULL AS user_status, c.consumer_key AS consumer_key, NULL AS consumer_name,
    NULL AS consumer_registered, NULL AS name, NULL AS scopes, NULLIF(t.created, '') AS created,
    CASE WHEN t.ttl <> '' AND CAST(t.ttl AS DECIMAL(20)) < 10000000000000
         THEN CAST(t.created AS DECIMAL(20)) + CAST(t.ttl AS DECIMAL(20)) END AS expires,
    CASE WHEN t.session_ttl <> '' THEN CAST(t.renewed AS DECIMAL(20)) + CAST(t.session_ttl AS DECIMAL(20)) END AS renewable_until,
    NULL AS last_used, DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ') AS exported
FROM tokens t
JOIN of_user u ON u.token = t.token
LEFT JOIN of_consumer c ON c.token = t.token
;
