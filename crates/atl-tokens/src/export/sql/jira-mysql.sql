-- The grants of a Jira, for `atl-admin tokens import`. This reads and changes nothing; it selects a digest of each token,
-- computed here, and never the token.
--
-- For Jira 8.22 or newer on MySQL or MariaDB. On an older Jira leave out the parts that are marked. Times are those of the
-- server's own clock, whose zone the database does not keep.
--
--   mysql --batch --default-character-set=utf8mb4 -h HOST -u USER -p DATABASE < jira-mysql.sql > grants.tsv
--   atl-admin tokens import grants.tsv -s SERVER
SELECT 'jira' AS product, 'oauth1' AS kind,
    LEFT(SHA2(t.token, 256), 12) AS id, NULL AS handle,
    COALESCE(u.lower_user_name, t.username) AS `user`,
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END AS user_status,
    t.consumer_key AS consumer_key, c.consumername AS consumer_name,
    CASE WHEN c.consumer_key IS NULL THEN 'false' ELSE 'true' END AS consumer_registered,
    NULL AS name, NULL AS scopes,
    DATE_FORMAT(t.created, '%Y-%m-%dT%H:%i:%s.%f') AS created,
    CASE WHEN t.ttl < 10000000000000
         THEN DATE_FORMAT(t.created + INTERVAL t.ttl * 1000 MICROSECOND, '%Y-%m-%dT%H:%i:%s.%f') END AS expires,
    DATE_FORMAT(t.session_last_renewal_time
        + INTERVAL TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', t.session_time_to_live) SECOND, '%Y-%m-%dT%H:%i:%s')
        AS renewable_until,
    NULL AS last_used, DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ') AS exported
FROM oauthsptoken t
LEFT JOIN oauthspconsumer c ON c.consumer_key = t.consumer_key
LEFT JOIN app_user u ON u.user_key = t.username
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
WHERE t.token_type = 'ACCESS'
UNION ALL
SELECT 'jira', 'consumer', NULL, NULL, NULL, NULL, c.consumer_key, c.consumername, 'true', NULL, NULL, NULL, NULL, NULL,
    NULL, DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ')
FROM oauthspconsumer c
WHERE c.consumer_key IS NOT NULL
-- OAuth 2, Jira 8.22 and newer: from here
UNION ALL
SELECT 'jira', 'oauth2', NULL, r.`ID`, COALESCE(u.lower_user_name, r.`USER_KEY`),
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END,
    COALESCE(c.`CLIENT_ID`, r.`CLIENT_ID`), c.`NAME`, CASE WHEN c.`ID` IS NULL THEN 'false' ELSE 'true' END,
    NULL, r.`SCOPE`, r.`AUTHORIZATION_DATE`, NULL, NULL, a.`LAST_ACCESSED`,
    DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ')
FROM `AO_FE1BC5_REFRESH_TOKEN` r
LEFT JOIN `AO_FE1BC5_CLIENT` c ON c.`ID` = r.`CLIENT_ID` OR c.`CLIENT_ID` = r.`CLIENT_ID`
LEFT JOIN `AO_FE1BC5_ACCESS_TOKEN` a ON a.`ID` = r.`ACCESS_TOKEN_ID`
LEFT JOIN app_user u ON u.user_key = r.`USER_KEY`
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
-- OAuth 2: to here
-- Personal access tokens, Jira 8.14 and newer: from here
UNION ALL
SELECT 'jira', 'pat', NULL, p.`ID`, COALESCE(u.lower_user_name, p.`USER_KEY`),
    CASE WHEN u.user_key IS NULL OR d.lower_user_name IS NULL THEN 'unknown'
         WHEN d.active <> 0 THEN 'active' ELSE 'inactive' END,
    NULL, NULL, NULL, p.`NAME`, NULL, DATE_FORMAT(p.`CREATED_AT`, '%Y-%m-%dT%H:%i:%s.%f'),
    DATE_FORMAT(p.`EXPIRING_AT`, '%Y-%m-%dT%H:%i:%s.%f'), NULL,
    DATE_FORMAT(p.`LAST_ACCESSED_AT`, '%Y-%m-%dT%H:%i:%s.%f'), DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ')
FROM `AO_81F455_PERSONAL_TOKEN` p
LEFT JOIN app_user u ON u.user_key = p.`USER_KEY`
LEFT JOIN (SELECT lower_user_name, MAX(active) AS active FROM cwd_user GROUP BY lower_user_name) d
    ON d.lower_user_name = u.lower_user_name
-- Personal access tokens: to here
;
