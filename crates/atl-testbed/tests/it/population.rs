//! Many users at once.

use atl_testbed::{
    ADMIN, ADMIN_PASSWORD, Estate, Granted, Kind, Population, Role, ServerSpec, TokenKind, User,
};

use crate::browser::Browser;
use crate::steps::whoami;
use crate::support::{estate, json, provisioned};

const PAGE: &str = "/plugins/servlet/oauth/users/access-tokens";
const JANUARY: i64 = 1_735_689_600;
const DAY: i64 = 24 * 60 * 60;

fn some() -> Population {
    Population::of(30)
        .with_keys()
        .inactive(|number| number == 7)
        .granting("bot", |number| Some(JANUARY + 60 * number))
        .granting("other", |number| (number % 3 == 0).then_some(JANUARY))
}

#[test]
fn everybody_has_granted_what_the_data_say() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.populate(&some());
    assert_eq!(jira.users().len(), 35);
    let tokens = jira.tokens();
    assert_eq!(tokens.len(), 40);
    let of = |user: &str, key: &str| {
        let mut found = tokens
            .iter()
            .filter(|token| token.user.as_deref() == Some(user) && token.consumer_key == key);
        (found.next(), found.next().is_none())
    };
    let (Some(token), true) = of("user00005", "bot") else {
        panic!("{tokens:?}");
    };
    assert_eq!(
        (token.kind, token.created, token.value.len()),
        (TokenKind::Access, JANUARY + 300, 32)
    );
    assert_eq!(of("user00005", "other").0, None);
    assert_eq!(whoami(jira, &token.value).body, "user00005");
    let page = Browser::of(jira, "user00005").get(&format!("{}{PAGE}", jira.base_url()));
    assert!(page.body.contains(&token.value), "{}", page.body);
}

#[test]
fn the_same_data_make_the_same_tokens_on_one_server_and_others_on_another() {
    let values = |spec| {
        let estate = estate(spec);
        estate.server(0).populate(&some());
        let tokens = estate.server(0).tokens();
        tokens.into_iter().map(|token| token.value)
    };
    let spec = |name: &str| ServerSpec::new(Kind::Jira).name(name);
    let [one, again, other]: [Vec<String>; 3] =
        ["one", "one", "other"].map(|name| values(spec(name)).collect());
    assert_eq!(one, again);
    assert!(one.iter().all(|value| !other.contains(value)));
}

#[test]
fn who_may_not_log_in_has_grants_that_are_refused() {
    let estate = provisioned();
    let jira = estate.server(0);
    jira.populate(&some());
    let tokens = jira.tokens();
    let token = tokens
        .iter()
        .find(|token| token.user.as_deref() == Some("user00007"));
    let answer = whoami(jira, &token.unwrap().value);
    assert_eq!((answer.status, answer.body.as_str()), (401, ""));
    assert_eq!(jira.tokens().len(), 40, "the grant is kept");
}

#[test]
fn a_user_is_somebody_with_a_key_a_name_for_people_and_an_address() {
    let kinds = [Kind::Jira, Kind::Confluence, Kind::Bitbucket, Kind::Bamboo];
    let estate = Estate::start(kinds.map(ServerSpec::new).into()).unwrap();
    let [jira, wiki, git, bamboo] = [0, 1, 2, 3].map(|place| estate.server(place));
    for server in estate.servers() {
        server.put_user(User {
            key: "JIRAUSER10100".to_owned(),
            display_name: "Ada Admin".to_owned(),
            email: "ada@example.org".to_owned(),
            ..User::new(ADMIN, ADMIN_PASSWORD, Role::SysAdmin)
        });
    }
    let (_, it) = json(jira, "GET", "/rest/api/2/myself", None);
    assert_eq!(
        [
            &it["key"],
            &it["name"],
            &it["displayName"],
            &it["emailAddress"]
        ],
        ["JIRAUSER10100", "admin", "Ada Admin", "ada@example.org"]
    );
    let (_, it) = json(wiki, "GET", "/rest/api/user/current", None);
    assert_eq!(
        [&it["userKey"], &it["username"], &it["displayName"]],
        ["JIRAUSER10100", "admin", "Ada Admin"]
    );
    let (_, it) = json(git, "GET", "/rest/api/1.0/users/admin", None);
    assert_eq!(
        [&it["name"], &it["displayName"], &it["emailAddress"]],
        ["admin", "Ada Admin", "ada@example.org"]
    );
    let (_, it) = json(bamboo, "GET", "/rest/api/latest/currentUser", None);
    assert_eq!(
        [&it["name"], &it["fullName"], &it["email"]],
        ["admin", "Ada Admin", "ada@example.org"]
    );
}

#[test]
fn grants_of_every_kind_follow_from_the_data() {
    let all = || {
        let estate = provisioned();
        let jira = estate.server(0);
        let pat = Granted::Pat {
            name: "script".to_owned(),
            days: Some(30),
        };
        let population = Population::of(3)
            .granting("bot", |_| Some(JANUARY))
            .granting(Granted::Client("App".to_owned()), |_| Some(JANUARY))
            .granting(pat, |number| (number > 1).then_some(JANUARY));
        jira.populate(&population);
        let values: Vec<String> = jira.pats().into_iter().map(|pat| pat.value).collect();
        (jira.tokens(), jira.oauth2_grants(), jira.pats(), values)
    };
    let (tokens, oauth2, pats, values) = all();
    assert_eq!((tokens.len(), oauth2.len(), pats.len()), (3, 3, 2));
    assert_eq!(oauth2[0].expires, JANUARY + 90 * DAY);
    assert_eq!(pats[0].expires, Some(JANUARY + 30 * DAY));
    assert_eq!(values[0].len(), 44);
    assert_eq!(all(), (tokens, oauth2, pats, values));
}
