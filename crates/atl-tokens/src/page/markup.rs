//! A page as it is written: its tags and texts one after the other, nothing mended.

use std::cell::{Cell, RefCell};

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

/// A piece of a page.
pub(super) enum Piece<'a> {
    /// A start tag with its attributes.
    Start(&'a Tag),
    /// An end tag.
    End(&'a str),
    /// Text, or a part of one; also that of scripts and styles.
    Text(&'a str),
    /// A comment.
    Comment(&'a str),
    /// The page ends in the middle of a tag or a comment.
    Broken,
}

/// Goes through a page.
pub(super) fn pieces(html: &str, each: impl FnMut(Piece<'_>)) {
    let sink = Sink {
        each: RefCell::new(each),
        ending: Cell::new(false),
    };
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    // Nothing here asks for a script to be run or for another encoding, so it goes through to the end.
    let _done = tokenizer.feed(&input);
    tokenizer.sink.ending.set(true);
    tokenizer.end();
}

struct Sink<F> {
    each: RefCell<F>,
    /// Whether all was read: what is wrong from now on is how it ends.
    ending: Cell<bool>,
}

impl<F: FnMut(Piece<'_>)> TokenSink for Sink<F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut each = self.each.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                each(Piece::Start(&tag));
                return contents(&tag.name);
            }
            Token::TagToken(tag) => each(Piece::End(&tag.name)),
            Token::CharacterTokens(text) => each(Piece::Text(&text)),
            Token::CommentToken(text) => each(Piece::Comment(&text)),
            Token::ParseError(_) if self.ending.get() => each(Piece::Broken),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// How the contents of an element are read, as far as it matters here.
fn contents(element: &str) -> TokenSinkResult<()> {
    TokenSinkResult::RawData(match element {
        "script" => RawKind::ScriptData,
        "style" => RawKind::Rawtext,
        "title" | "textarea" => RawKind::Rcdata,
        _ => return TokenSinkResult::Continue,
    })
}
