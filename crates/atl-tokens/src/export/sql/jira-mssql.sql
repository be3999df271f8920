-- The grants of a Jira, for `atl-admin tokens import`. This reads and changes nothing; it selects a digest of each token,
-- computed here, and never the token. It was not run on an SQL Server by those who wrote it.
--
-- For Jira 8.22 or newer on SQL Server 2016 or newer, as a user whose default schema is that of the tables
-- (ALTER USER ... WITH DEFAULT_SCHEMA). On an older Jira leave out the parts that are marked. Times are those of the
-- server's own clock, whose zone the database does not keep.
--
--   Invoke-Sqlcmd -ServerInstance HOST -Database DATABASE -InputFile jira-mssql.sql |
--     Export-Csv grants.csv -NoTypeInformation -Encoding UTF8
--   atl-admin tokens import grants.csv -s SERVER
--
-- With sqlcmd, a tab keeps the columns apart: sqlcmd -S HOST -d DATABASE -i jira-mssql.sql -W -s "<TAB>" -f o:65001
SELECT 'jira' AS product, 'oauth1' AS kind,
    LOWER(LEFT(CONVERT(varchar(64), HASHBYTES('SHA2_256', CAST(t.token AS varchar(255))), 2), 12)) AS id,
    CAST(NULL AS nvarchar(255)) AS handle,
    COALESCE(u.lower_user_name, t.username) AS [user],
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END AS user_status,
    t.consumer_key AS consumer_key, c.consumername AS consumer_name,
    CASE WHEN c.consumer_key IS NULL THEN 'false' ELSE 'true' END AS consumer_registered,
    CAST(NULL AS nvarchar(255)) AS name, CAST(NULL AS nvarchar(255)) AS scopes,
    CONVERT(varchar(33), t.created, 126) AS created,
    CASE WHEN t.ttl < 2147483647000
         THEN CONVERT(varchar(33), DATEADD(second, CAST(t.ttl / 1000 AS int), t.created), 126) END AS expires,
    CONVERT(varchar(33), DATEADD(second, DATEDIFF(second, '19700101', t.session_time_to_live),
        t.session_last_renewal_time), 126) AS renewable_until,
    CAST(NULL AS varchar(33)) AS last_used, CONVERT(varchar(33), SYSUTCDATETIME(), 126) + 'Z' AS exported
FROM oauthsptoken t
LEFT JOIN oauthspconsumer c ON c.consumer_key = t.consumer_key
LEFT JOIN app_user u ON u.user_key = t.username
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
WHERE t.token_type = 'ACCESS'
UNION ALL
SELECT 'jira', 'consumer', NULL, NULL, NULL, NULL, c.consumer_key, c.consumername, 'true', NULL, NULL, NULL, NULL, NULL,
    NULL, CONVERT(varchar(33), SYSUTCDATETIME(), 126) + 'Z'
FROM oauthspconsumer c
WHERE c.consumer_key IS NOT NULL
-- OAuth 2, Jira 8.22 and newer: from here
UNION ALL
SELECT 'jira', 'oauth2', NULL, r.[ID], COALESCE(u.lower_user_name, r.[USER_KEY]),
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END,
    COALESCE(c.[CLIENT_ID], r.[CLIENT_ID]), c.[NAME], CASE WHEN c.[ID] IS NULL THEN 'false' ELSE 'true' END,
    NULL, r.[SCOPE], CONVERT(varchar(33), r.[AUTHORIZATION_DATE]), NULL, NULL, CONVERT(varchar(33), a.[LAST_ACCESSED]),
    CONVERT(varchar(33), SYSUTCDATETIME(), 126) + 'Z'
FROM [AO_FE1BC5_REFRESH_TOKEN] r
LEFT JOIN [AO_FE1BC5_CLIENT] c ON c.[ID] = r.[CLIENT_ID] OR c.[CLIENT_ID] = r.[CLIENT_ID]
LEFT JOIN [AO_FE1BC5_ACCESS_TOKEN] a ON a.[ID] = r.[ACCESS_TOKEN_ID]
LEFT JOIN app_user u ON u.user_key = r.[USER_KEY]
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
-- OAuth 2: to here
-- Personal access tokens, Jira 8.14 and newer: from here
UNION ALL
SELECT 'jira', 'pat', NULL, CONVERT(varchar(33), p.[ID]), COALESCE(u.lower_user_name, p.[USER_KEY]),
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END,
    NULL, NULL, NULL, p.[NAME], NULL, CONVERT(varchar(33), p.[CREATED_AT], 126),
    CONVERT(varchar(33), p.[EXPIRING_AT], 126), NULL, CONVERT(varchar(33), p.[LAST_ACCESSED_AT], 126),
    CONVERT(varchar(33), SYSUTCDATETIME(), 126) + 'Z'
FROM [AO_81F455_PERSONAL_TOKEN] p
LEFT JOIN app_user u ON u.user_key = p.[USER_KEY]
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
-- Personal access tokens: to here
;
