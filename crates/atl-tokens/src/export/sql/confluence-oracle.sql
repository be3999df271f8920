-- The OAuth 1.0a grants of a Confluence, for `atl-admin tokens import`. This reads and changes nothing, and it selects a
-- digest of each token, computed here, and never the token. For Oracle 12.2 or newer. It was not run on an Oracle database by
-- those who wrote it.
--
-- [inferred] How Confluence writes down what it keeps of a token was not seen on a real one. Of BANDANA only the rows
-- `token.*`, `userAccessTokens.*` and `consumerTokens.*` are read, of the latter two also those whose names were too long and
-- end in a digest. Compare what comes out with the page of access tokens of a user or two before you rely on it.
--
--   NLS_LANG=.AL32UTF8 sqlplus -S -M "CSV ON" USER@DATABASE @confluence-oracle.sql < /dev/null > grants.csv
--   atl-admin tokens import grants.csv -s SERVER
WITH kept AS (
    SELECT TO_CHAR(SUBSTR(bandanakey, 63)) AS name, bandanavalue AS text
    FROM bandana
    WHERE bandanacontext = '_GLOBAL'
        AND SUBSTR(bandanakey, 1, 62) = 'com.atlassian.oauth.serviceprovider.ServiceProviderTokenStore.'
), tokens AS (
    SELECT SUBSTR(name, 7) AS token,
        TO_NUMBER(TO_CHAR(REGEXP_SUBSTR(text, '"creationTime"( value="|>)([0-9]+)', 1, 1, 'n', 2))) AS created,
        TO_NUMBER(TO_CHAR(REGEXP_SUBSTR(text, '"timeToLive"( value="|>)([0-9]+)', 1, 1, 'n', 2))) AS ttl,
        TO_NUMBER(TO_CHAR(REGEXP_SUBSTR(text, '"session\.lastRenewalTime"( value="|>)([0-9]+)', 1, 1, 'n', 2))) AS renewed,
        TO_NUMBER(TO_CHAR(REGEXP_SUBSTR(text, '"session\.timeToLive"( value="|>)([0-9]+)', 1, 1, 'n', 2))) AS session_ttl
    FROM kept
    WHERE name LIKE 'token.%'
), users AS (
    SELECT COALESCE(TO_CHAR(REGEXP_SUBSTR(text, '"username"( value="|>)([^"<]+)', 1, 1, 'n', 2)),
            CASE WHEN name LIKE 'userAccessTokens.%' THEN SUBSTR(name, 18) END, '(unknown)') AS username,
        REGEXP_SUBSTR(text, '"keys"( value="|>)([^"<]+)', 1, 1, 'n', 2) AS tokens
    FROM kept
    WHERE name LIKE 'userAc%'
), consumers AS (
    SELECT COALESCE(TO_CHAR(REGEXP_SUBSTR(text, '"consumerKey"( value="|>)([^"<]+)', 1, 1, 'n', 2)),
            CASE WHEN name LIKE 'consumerTokens.%' THEN SUBSTR(name, 16) END) AS consumer_key,
        REGEXP_SUBSTR(text, '"keys"( value="|>)([^"<]+)', 1, 1, 'n', 2) AS tokens
    FROM kept
    WHERE name LIKE 'consum%'
), of_user AS (
    SELECT u.username, j.token
    FROM users u, JSON_TABLE('["' || REPLACE(u.tokens, '/', '","') || '"]', '$[*]' COLUMNS (token VARCHAR2(255) PATH '$')) j
), of_consumer AS (
    SELECT c.consumer_key, j.token
    FROM consumers c, JSON_TABLE('["' || REPLACE(c.tokens, '/', '","') || '"]', '$[*]' COLUMNS (token VARCHAR2(255) PATH '$')) j
)
SELECT 'confluence' AS product, 'oauth1' AS kind,
    LOWER(SUBSTR(RAWTOHEX(STANDARD_HASH(t.token, 'SHA256')), 1, 12)) AS id, NULL AS handle,
    u.username AS "user", NULL AS user_status, c.consumer_key AS consumer_key, NULL AS consumer_name,
    NULL AS consumer_registered, NULL AS "name", NULL AS scopes, TO_CHAR(t.created) AS created,
    CASE WHEN t.ttl < 10000000000000 THEN TO_CHAR(t.created + t.ttl) END AS expires,
    TO_CHAR(t.renewed + t.session_ttl) AS renewable_until,
    NULL AS last_used, TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS exported
FROM tokens t
JOIN of_user u ON u.token = t.token
LEFT JOIN of_consumer c ON c.token = t.token
;
