//! Parts of long lists.

use serde_json::{Value, json};

use crate::call::Call;

/// Which part of a list is wanted.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) start: usize,
    pub(super) limit: usize,
}

impl Window {
    /// What a query asks for by these names, with a limit where it asks for none, and never more than `most`.
    pub(super) fn of(call: &Call, [start, limit]: [&str; 2], usual: usize, most: usize) -> Self {
        let number = |name| call.query_param(name).and_then(|it| it.parse().ok());
        Self {
            start: number(start).unwrap_or(0),
            limit: number(limit).unwrap_or(usual).clamp(1, most),
        }
    }

    /// That part, and whether more comes after it.
    pub(super) fn cut<T>(self, list: Vec<T>) -> (Vec<T>, bool) {
        let end = self.start.saturating_add(self.limit);
        let more = list.len() > end;
        let part = list.into_iter().skip(self.start).take(self.limit);
        (part.collect(), more)
    }
}

/// A page as Bitbucket gives it: of 25, or of up to 1000.
pub(super) fn of_bitbucket<T>(call: &Call, list: Vec<T>, entity: impl Fn(T) -> Value) -> Value {
    let window = Window::of(call, ["start", "limit"], 25, 1000);
    let (part, more) = window.cut(list);
    let values: Vec<Value> = part.into_iter().map(entity).collect();
    json!({
        "size": values.len(), "limit": window.limit, "isLastPage": !more, "start": window.start,
        "nextPageStart": more.then_some(window.start + window.limit), "values": values,
    })
}
