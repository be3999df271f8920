//! Application links: list, create, update, delete (protocol.md 1.4).

use atl_client::Request;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{Applinks, ApplinksError, wire};

/// The `typeId` of a link to anything that is not an Atlassian product (protocol.md 1.9).
const GENERIC: &str = "generic";

/// The id a server computes for a generic link from its application URL (protocol.md 1.8), lower case with dashes.
pub fn link_id(application_url: &str) -> String {
    let hash = Md5::digest(stripped(application_url).as_bytes());
    uuid::Builder::from_md5_bytes(hash.into())
        .into_uuid()
        .to_string()
}

/// A URL as the servers store it: without trailing slashes (protocol.md 1.3).
fn stripped(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// One application link, as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApplicationLink {
    /// Its id.
    pub id: String,
    /// `generic`, `jira`, ...
    pub type_id: String,
    /// Its name, perhaps suffixed by the server.
    pub name: String,
    /// The display URL.
    pub display_url: String,
    /// The application URL; system links have none.
    pub rpc_url: Option<String>,
    /// Whether it is the primary link of its type.
    pub primary: bool,
    /// Whether it is a system link.
    pub system: bool,
}

impl ApplicationLink {
    /// Whether this is its application URL: the same but for trailing slashes, case included (protocol.md 1.4).
    pub fn has_url(&self, application_url: &str) -> bool {
        self.rpc_url.as_deref().map(stripped) == Some(stripped(application_url))
    }
}

/// A generic link to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The wanted name.
    pub name: String,
    /// Application URL and display URL.
    pub url: String,
}

/// `{"applicationLinks":[...]}` (protocol.md 1.3).
#[derive(Deserialize)]
struct Links {
    #[serde(rename = "applicationLinks", deserialize_with = "wire::one_or_many")]
    links: Vec<LinkEntity>,
}

/// `ApplicationLinkEntity` (protocol.md 1.3).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkEntity {
    id: String,
    type_id: String,
    name: String,
    display_url: Option<String>,
    rpc_url: Option<String>,
    #[serde(default)]
    is_primary: bool,
    #[serde(default)]
    is_system: bool,
}

impl From<LinkEntity> for ApplicationLink {
    fn from(entity: LinkEntity) -> Self {
        Self {
            id: entity.id,
            type_id: entity.type_id,
            name: entity.name,
            display_url: entity
                .display_url
                .or_else(|| entity.rpc_url.clone())
                .unwrap_or_default(),
            rpc_url: entity.rpc_url,
            primary: entity.is_primary,
            system: entity.is_system,
        }
    }
}

/// The `Status` that answers a create (protocol.md 1.3).
#[derive(Deserialize)]
struct Created {
    #[serde(
        rename = "resources-created",
        default,
        deserialize_with = "wire::one_or_many"
    )]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    href: String,
}

impl Created {
    /// The new id: the last path segment of the created resource, and nowhere else.
    fn id(&self) -> Option<String> {
        let href = &self.resources.first()?.href;
        let id = href.split(['?', '#']).next()?.rsplit('/').next()?;
        Uuid::parse_str(id).ok().map(|_| id.to_owned())
    }
}

impl Applinks<'_> {
    /// All links.
    ///
    /// # Errors
    /// The server cannot be asked, refuses, or answers anything but a list of links.
    pub fn list(&self) -> Result<Vec<ApplicationLink>, ApplinksError> {
        let links: Links = self.get_links()?.json()?;
        Ok(links.links.into_iter().map(Into::into).collect())
    }

    /// The link of this id. It is looked for in the list, because servers answer 500 for an id that they do not know
    /// (protocol.md 1.4).
    ///
    /// # Errors
    /// As [`Applinks::list`].
    pub fn link(&self, id: &str) -> Result<Option<ApplicationLink>, ApplinksError> {
        Ok(self.list()?.into_iter().find(|link| link.id == id))
    }

    /// Creates a generic link and returns its id. The server may store another name than the wanted one: it appends
    /// ` - 2`, ` - 3`, ... to a name that is taken.
    ///
    /// # Errors
    /// A link with this URL, or with the id computed from it, is there already; or the request fails.
    pub fn create(&self, link: &NewLink) -> Result<String, ApplinksError> {
        let path = format!("{}/applicationlink", self.root());
        let body = json!({
            "name": link.name,
            "rpcUrl": link.url,
            "displayUrl": link.url,
            "typeId": GENERIC,
        });
        let answer = self.client.send(&Request::put_json(path, body))?;
        if answer.status == 400 {
            return Err(match self.find(&link.url) {
                Ok(Some(id)) => ApplinksError::DuplicateLink {
                    server: self.server(),
                    url: link.url.clone(),
                    id,
                },
                _ => self.rejected(format!("the application link `{}`", link.url), &answer),
            });
        }
        let answer = answer.success()?;
        let unread = match answer.json::<Created>().map(|created| created.id()) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => None,
            Err(error) => Some(error.into()),
        };
        let source = match self.find(&link.url) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => unread,
            Err(error) => Some(error),
        };
        Err(ApplinksError::IdUnknown {
            server: self.server(),
            url: link.url.clone(),
            source: source.map(Box::new),
        })
    }

    /// The id of the link that stands in the way of another one at this application URL (protocol.md 1.4).
    fn find(&self, application_url: &str) -> Result<Option<String>, ApplinksError> {
        let computed = link_id(application_url);
        let found = self
            .list()?
            .into_iter()
            .find(|link| link.has_url(application_url) || link.id == computed);
        Ok(found.map(|link| link.id))
    }

    /// Changes name or display URL; the application URL cannot change.
    ///
    /// # Errors
    /// The server refuses the values, the link is a system link, or the request fails.
    pub fn update(&self, link: &ApplicationLink) -> Result<(), ApplinksError> {
        let body = json!({
            "id": link.id,
            "typeId": link.type_id,
            "name": link.name,
            "rpcUrl": link.rpc_url,
            "displayUrl": link.display_url,
            "isPrimary": link.primary,
        });
        let answer = self
            .client
            .send(&Request::post_json(self.link_path(&link.id), body))?;
        match answer.status {
            400 => Err(self.rejected(
                format!("the change of the application link `{}`", link.id),
                &answer,
            )),
            403 if wire::is_own(&answer) => Err(self.system_link(&link.id)),
            _ => Ok(answer.success().map(drop)?),
        }
    }

    /// Deletes a link, its consumer and all tokens of that consumer key; one already gone is success.
    ///
    /// # Errors
    /// The link is a system link, or the request fails.
    pub fn delete(&self, id: &str) -> Result<(), ApplinksError> {
        let answer = self.client.send(&Request::delete(self.link_path(id)))?;
        match answer.status {
            404 if wire::is_absence(&answer) => Ok(()),
            403 if wire::is_own(&answer) => Err(self.system_link(id)),
            _ => Ok(answer.success().map(drop)?),
        }
    }

    fn system_link(&self, id: &str) -> ApplinksError {
        ApplinksError::SystemLink {
            server: self.server(),
            id: id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_name_uuids_without_a_namespace() {
        fn check(url: &str, expected: &str) {
            assert_eq!(link_id(url), expected, "{url}");
        }
        // java.util.UUID.nameUUIDFromBytes of the empty string, of "hello", and of a URL.
        check("", "d41d8cd9-8f00-3204-a980-0998ecf8427e");
        check("hello", "5d41402a-bc4b-3a76-b971-9d911017c592");
        check("https://deploy.example.com", DEPLOY);
        check("https://deploy.example.com/", DEPLOY);
        check("https://deploy.example.com//", DEPLOY);
        assert_ne!(link_id("https://Deploy.example.com"), DEPLOY);
    }

    const DEPLOY: &str = "a9945409-acfc-36ca-bfd8-f57774638547";

    fn read(json: &str) -> Result<Vec<ApplicationLink>, serde_json::Error> {
        let links: Links = serde_json::from_str(json)?;
        Ok(links.links.into_iter().map(Into::into).collect())
    }

    #[test]
    fn a_list_is_read_as_the_servers_print_it() {
        let links = read(
            r#"{"applicationLinks":[
                {"id":"a","typeId":"generic","name":"Bot - 2","displayUrl":"https://d","rpcUrl":"https://r",
                 "iconUri":"https://i","isPrimary":true,"isSystem":false,"link":[{"href":"h","rel":"self"}]},
                {"id":"b","typeId":"confluence","name":"Wiki","displayUrl":"https://w","isPrimary":false,"isSystem":true}
            ]}"#,
        )
        .unwrap();
        assert_eq!(
            links,
            [
                ApplicationLink {
                    id: "a".into(),
                    type_id: "generic".into(),
                    name: "Bot - 2".into(),
                    display_url: "https://d".into(),
                    rpc_url: Some("https://r".into()),
                    primary: true,
                    system: false,
                },
                ApplicationLink {
                    id: "b".into(),
                    type_id: "confluence".into(),
                    name: "Wiki".into(),
                    display_url: "https://w".into(),
                    rpc_url: None,
                    primary: false,
                    system: true,
                },
            ]
        );
        assert!(links[0].has_url("https://r/"));
        assert!(!links[0].has_url("https://R"));
        assert!(!links[1].has_url(""));
    }

    #[test]
    fn a_list_is_never_empty_by_misunderstanding() {
        assert_eq!(read(r#"{"applicationLinks":[]}"#).unwrap(), []);
        let only =
            read(r#"{"applicationLinks":{"id":"a","typeId":"generic","name":"n"}}"#).unwrap();
        assert_eq!(only.len(), 1);
        for odd in [
            "{}",
            "[]",
            r#"{"applicationLinks":null}"#,
            r#"{"applicationLinks":[{}]}"#,
            "<applicationLinks/>",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_new_id_is_the_end_of_the_created_href() {
        fn check(json: &str, expected: Option<&str>) {
            let created: Created = serde_json::from_str(json).unwrap();
            assert_eq!(created.id().as_deref(), expected, "{json}");
        }
        check(
            r#"{"status-code":201,"resources-created":[{"href":"http://jira/rest/applinks/3.0/applicationlink/227dd1d7-f6d6-34a5-9d1f-2f5a7a5a8f10","rel":"self"}]}"#,
            Some("227dd1d7-f6d6-34a5-9d1f-2f5a7a5a8f10"),
        );
        check(
            r#"{"resources-created":{"href":"applicationlink/227dd1d7-f6d6-34a5-9d1f-2f5a7a5a8f10?x=/y"}}"#,
            Some("227dd1d7-f6d6-34a5-9d1f-2f5a7a5a8f10"),
        );
        check(
            r#"{"resources-created":[{"href":"http://jira/rest/applinks/3.0/applicationlink"}]}"#,
            None,
        );
        check(r#"{"resources-created":[]}"#, None);
        check(r#"{"status-code":201}"#, None);
    }
}
