//! The page of the signed-in administrator.

use std::ops::ControlFlow;

use atl_client::{Client, ClientError, Failure, Refusal};
use jiff::Timestamp;

use crate::{
    Coverage, Found, Gap, GrantEntry, PageOf, Source, SourceKind, TokensError, UserStatus,
    read_page,
};

/// The grants that the signed-in account itself gave, from its own page.
#[derive(Debug)]
pub struct OwnPage<'a> {
    client: &'a Client,
}

impl<'a> OwnPage<'a> {
    /// Nothing is sent until it is read.
    pub fn new(client: &'a Client) -> Self {
        Self { client }
    }
}

impl Source for OwnPage<'_> {
    fn kind(&self) -> SourceKind {
        SourceKind::Page
    }

    fn read(&mut self, take: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Coverage {
        let server = self.client.server();
        let read = self.client.sign_in().map_err(TokensError::from);
        let read = read.and_then(|account| Ok((account, read_page(self.client)?)));
        let (account, rows) = match read {
            Ok(read) => read,
            Err(error) => {
                let note = "the page of the signed-in account was not read";
                let coverage = Coverage::failed(server, self.kind(), note, gap(&error));
                return coverage.with_page(&error);
            }
        };
        let page = PageOf {
            server,
            base_url: self.client.base_url().as_str(),
            user: &account.username,
            source: self.kind(),
        };
        let now = Timestamp::now();
        let mut grants = rows.iter().map(|row| GrantEntry {
            user_status: Some(UserStatus::Active),
            ..row.entry(&page).as_of(now)
        });
        let stopped = grants.any(|grant| take(Found::Grant(Box::new(grant))).is_break());
        let note = format!("only the grants of {}", account.username);
        let (interrupted, users) = if stopped {
            ("; not read to its end", Vec::new())
        } else {
            ("", vec![account.username])
        };
        Coverage::partial(server, self.kind(), format!("{note}{interrupted}")).of_users(users)
    }
}

/// That a token cannot administer is not what stands in the way here.
fn gap(error: &TokensError) -> Gap {
    match error {
        TokensError::Client(ClientError::SignIn {
            server,
            refusal: Refusal::TokenCannotAdminister { product },
        }) => Gap {
            code: "token_reads_no_pages".to_owned(),
            message: format!(
                "{server}: a personal access token of {} is good for REST and not for pages, such as that of access tokens",
                product.name()
            ),
            advice: "give this server an `admin` with `username` and `password`".to_owned(),
            failure: Failure::Refused,
        },
        error => Gap::from(error),
    }
}
