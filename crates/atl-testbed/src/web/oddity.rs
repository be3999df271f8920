//! What may stand where the page of access tokens should.

use super::{page, sign_in};
use crate::call::Call;
use crate::reply::Reply;
use crate::state::State;

/// Something odd about the page of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A page with a form to sign in, 200, where others redirect to it.
    SignIn,
    /// A page of an error, with this status, which may be 200.
    Error(u16),
    /// The page ends in the middle of its last row, or where it has none in the middle; the answer is whole.
    Half,
    /// So many bytes of other text stand before the list.
    Padded(usize),
    /// Around the list stand texts that look like access tokens and are none.
    Decoys,
}

/// The page, or what stands in its place. `last` is what the last row calls its consumer.
pub(super) fn apply(state: &State, call: &Call, mut page: Reply, last: Option<&str>) -> Reply {
    let Some(oddity) = state.settings.oddity else {
        return page;
    };
    match oddity {
        Oddity::SignIn => return sign_in::form_page(state, call),
        Oddity::Error(status) => {
            let said = "The request could not be carried out. Please tell your administrator.";
            return page::message(state, status, "System Error", said);
        }
        Oddity::Half => {
            let consumer = last.map(page::text);
            let row = consumer.and_then(|consumer| {
                let consumer = consumer.as_bytes();
                let place = page
                    .body
                    .windows(consumer.len())
                    .rposition(|it| it == consumer);
                place.map(|place| place + consumer.len())
            });
            let end = row.unwrap_or(page.body.len() / 2);
            page.body.truncate(end);
        }
        Oddity::Padded(bytes) => insert(&mut page, &padding(bytes)),
        Oddity::Decoys => insert(&mut page, DECOYS),
    }
    page
}

/// Puts something in front of the list: after the heading of the page.
fn insert(page: &mut Reply, html: &str) {
    let heading = b"</h1>";
    let found = page.body.windows(heading.len());
    let place = found
        .map(<[u8]>::to_ascii_lowercase)
        .position(|it| it == heading)
        .map_or(0, |place| place + heading.len());
    page.body.splice(place..place, html.bytes());
}

fn padding(bytes: usize) -> String {
    let paragraph = format!("<p>{}</p>\n", "All work and no play. ".repeat(40));
    paragraph.repeat(bytes / paragraph.len() + 1)
}

/// Hashes of files, the number of a session, an avatar, other devices: 32 letters and digits each.
const DECOYS: &str = r##"
<meta name="ajs-build-token" content="8f14e45fceea167a5a36dedd4bea2543">
<script nonce="c9f0f895fb98ab9159f51fd0297e236d">var page = {"token": "45c48cce2e2d7fbdea1afc51c7c6ad26", "user": "6512bd43d9caa6e02c990b0a82652dca"};</script>
<nav><a href="/profile?session=c20ad4d76fe97759aa27a0c99bff6710"><img alt="" src="/avatar/c51ce410c124a10e0db5e4b97fc2af39"></a>
<a href="/logout?token=aab3238922bcc25a6f606eb525ffdc56">Log out</a></nav>
<table id="devices"><tr><th>Browser</th><th>Last seen</th><th></th></tr>
<tr data-token="9bf31c7ff062936a96d3c8bd1f8f2ff3"><td>Firefox</td><td>today</td><td><a class="forget" href="#c74d97b01eae257e44aa9d5bade97baf">Forget</a></td></tr>
</table>
<form action="/search" method="post"><input type="hidden" name="form_token" value="70efdf2ec9b086079795c442636b55fb"><input name="q"></form>
<p>Build 6f4922f45568161a8cdf4ad2299f6d23</p>
"##;
