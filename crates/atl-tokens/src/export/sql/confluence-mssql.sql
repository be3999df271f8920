-- The OAuth 1.0a grants of a Confluence, for `atl-admin tokens import`. This reads and changes nothing; it selects a digest
-- of each token, computed here, and never the token. For SQL Server 2016 or newer. It was not run on an SQL Server by those
-- who wrote it.
--
-- [inferred] How Confluence writes down what it keeps of a token was not seen on a real one. Of BANDANA only the rows
-- `token.*`, `userAccessTokens.*` and `consumerTokens.*` are read, of the latter two also those whose names were too long and
-- end in a digest. Compare what comes out with the page of access tokens of a user or two before you rely on it.
--
--   Invoke-Sqlcmd -ServerInstance HOST -Database DATABASE -InputFile confluence-mssql.sql |
--     Export-Csv grants.csv -NoTypeInformation -Encoding UTF8
--   atl-admin tokens import grants.csv -s SERVER
WITH kept AS (
    SELECT SUBSTRING(BANDANAKEY, 63, 200) COLLATE Latin1_General_BIN2 AS name,
        TRY_CONVERT(xml, CAST(BANDANAVALUE AS nvarchar(max))) AS text
    FROM BANDANA
    WHERE BANDANACONTEXT = '_GLOBAL'
        AND LEFT(BANDANAKEY, 62) = 'com.atlassian.oauth.serviceprovider.ServiceProviderTokenStore.'
), tokens AS (
    SELECT SUBSTRING(name, 7, 200) AS token,
        text.value('(//*[@name="creationTime"]/@value)[1]', 'bigint') AS created,
        text.value('(//*[@name="timeToLive"]/@value)[1]', 'bigint') AS ttl,
        text.value('(//*[@name="session.lastRenewalTime"]/@value)[1]', 'bigint') AS renewed,
        text.value('(//*[@name="session.timeToLive"]/@value)[1]', 'bigint') AS session_ttl
    FROM kept
    WHERE name LIKE 'token.%'
), of_user AS (
    SELECT COALESCE(k.text.value('(//*[@name="username"]/@value)[1]', 'nvarchar(255)'),
            CASE WHEN k.name LIKE 'userAccessTokens.%' THEN SUBSTRING(k.name, 18, 200) END, '(unknown)') AS username,
        s.value COLLATE Latin1_General_BIN2 AS token
    FROM kept k
    CROSS APPLY STRING_SPLIT(k.text.value('(//*[@name="keys"]/@value)[1]', 'nvarchar(max)'), '/') s
    WHERE k.name LIKE 'userAc%'
), of_consumer AS (
    SELECT COALESCE(k.text.value('(//*[@name="consumerKey"]/@value)[1]', 'nvarchar(255)'),
            CASE WHEN k.name LIKE 'consumerTokens.%' THEN SUBSTRING(k.name, 16, 200) END) AS consumer_key,
        s.value COLLATE Latin1_General_BIN2 AS token
    FROM kept k
    CROSS APPLY STRING_SPLIT(k.text.value('(//*[@name="keys"]/@value)[1]', 'nvarchar(max)'), '/') s
    WHERE k.name LIKE 'consum%'
)
SELECT 'confluence' AS product, 'oauth1' AS kind,
    LOWER(LEFT(CONVERT(varchar(64), HASHBYTES('SHA2_256', CAST(t.token AS varchar(255))), 2), 12)) AS id,
    CAST(NULL AS nvarchar(255)) AS handle, u.username AS [user], CAST(NULL AS varchar(8)) AS user_status,
    c.consumer_key AS consumer_key, CAST(NULL AS nvarchar(255)) AS consumer_name, CAST(NULL AS varchar(8)) AS consumer_registered,
    CAST(NULL AS nvarchar(255)) AS name, CAST(NULL AS nvarchar(255)) AS scopes, CONVERT(varchar(33), t.created) AS created,
    CASE WHEN t.ttl < 10000000000000 THEN CONVERT(varchar(33), t.created + t.ttl) END AS expires,
    CONVERT(varchar(33), t.renewed + t.session_ttl) AS renewable_until,
    CAST(NULL AS varchar(33)) AS last_used, CONVERT(varchar(33), SYSUTCDATETIME(), 126) + 'Z' AS exported
FROM tokens t
JOIN of_user u ON u.token = t.token
LEFT JOIN of_consumer c ON c.token = t.token
;
