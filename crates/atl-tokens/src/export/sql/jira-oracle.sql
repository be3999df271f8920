-- The grants of a Jira, for `atl-admin tokens import`. This reads and changes nothing, and it selects a digest of each token,
-- computed here, and never the token. It was not run on an Oracle database by those who wrote it.
--
-- For Jira 8.22 or newer on Oracle 12c or newer, as the user whose tables these are, or after
-- ALTER SESSION SET CURRENT_SCHEMA. On an older Jira leave out the parts that are marked. Times are those of the server's
-- own clock, whose zone the database does not keep.
--
--   NLS_LANG=.AL32UTF8 sqlplus -S -M "CSV ON" USER@DATABASE @jira-oracle.sql < /dev/null > grants.csv
--   atl-admin tokens import grants.csv -s SERVER
SELECT 'jira' AS product, 'oauth1' AS kind,
    LOWER(SUBSTR(RAWTOHEX(STANDARD_HASH(TO_CHAR(t.token), 'SHA256')), 1, 12)) AS id, NULL AS handle,
    COALESCE(u.lower_user_name, t.username) AS "user",
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END AS user_status,
    t.consumer_key AS consumer_key, c.consumername AS consumer_name,
    CASE WHEN c.consumer_key IS NULL THEN 'false' ELSE 'true' END AS consumer_registered,
    NULL AS "name", NULL AS scopes,
    TO_CHAR(t.created, 'YYYY-MM-DD"T"HH24:MI:SS') AS created,
    CASE WHEN t.ttl < 10000000000000
         THEN TO_CHAR(CAST(t.created AS DATE) + t.ttl / 86400000, 'YYYY-MM-DD"T"HH24:MI:SS') END AS expires,
    TO_CHAR(CAST(t.session_last_renewal_time AS DATE) + (CAST(t.session_time_to_live AS DATE) - DATE '1970-01-01'),
        'YYYY-MM-DD"T"HH24:MI:SS') AS renewable_until,
    NULL AS last_used, TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS exported
FROM oauthsptoken t
LEFT JOIN oauthspconsumer c ON c.consumer_key = t.consumer_key
LEFT JOIN app_user u ON u.user_key = t.username
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
WHERE t.token_type = 'ACCESS'
UNION ALL
SELECT 'jira', 'consumer', NULL, NULL, NULL, NULL, c.consumer_key, c.consumername, 'true', NULL, NULL, NULL, NULL, NULL,
    NULL, TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM oauthspconsumer c
WHERE c.consumer_key IS NOT NULL
-- OAuth 2, Jira 8.22 and newer: from here
UNION ALL
SELECT 'jira', 'oauth2', NULL, TO_CHAR(r."ID"), COALESCE(u.lower_user_name, TO_CHAR(r."USER_KEY")),
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END,
    TO_CHAR(COALESCE(c."CLIENT_ID", r."CLIENT_ID")), TO_CHAR(c."NAME"),
    CASE WHEN c."ID" IS NULL THEN 'false' ELSE 'true' END,
    NULL, TO_CHAR(r."SCOPE"), TO_CHAR(r."AUTHORIZATION_DATE"), NULL, NULL, TO_CHAR(a."LAST_ACCESSED"),
    TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM "AO_FE1BC5_REFRESH_TOKEN" r
LEFT JOIN "AO_FE1BC5_CLIENT" c ON c."ID" = r."CLIENT_ID" OR c."CLIENT_ID" = r."CLIENT_ID"
LEFT JOIN "AO_FE1BC5_ACCESS_TOKEN" a ON a."ID" = r."ACCESS_TOKEN_ID"
LEFT JOIN app_user u ON u.user_key = r."USER_KEY"
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
-- OAuth 2: to here
-- Personal access tokens, Jira 8.14 and newer: from here
UNION ALL
SELECT 'jira', 'pat', NULL, TO_CHAR(p."ID"), COALESCE(u.lower_user_name, TO_CHAR(p."USER_KEY")),
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END,
    NULL, NULL, NULL, TO_CHAR(p."NAME"), NULL, TO_CHAR(p."CREATED_AT", 'YYYY-MM-DD"T"HH24:MI:SS'),
    TO_CHAR(p."EXPIRING_AT", 'YYYY-MM-DD"T"HH24:MI:SS'), NULL,
    TO_CHAR(p."LAST_ACCESSED_AT", 'YYYY-MM-DD"T"HH24:MI:SS'),
    TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM "AO_81F455_PERSONAL_TOKEN" p
LEFT JOIN app_user u ON u.user_key = p."USER_KEY"
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
-- Personal access tokens: to here
;
