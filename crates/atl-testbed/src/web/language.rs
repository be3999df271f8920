//! The languages of the page of access tokens. How the products translate it is not known; these are plain translations
//! of what their documentation calls things in English.

use jiff::Timestamp;

/// The language of the page of access tokens. What is around it, as on every other page, stays English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English, in which each layout has words and dates of its own.
    English,
    /// French.
    French,
    /// German.
    German,
    /// Japanese.
    Japanese,
}

/// What is said, in English, French, German and Japanese.
const WORDS: [[&str; 4]; 18] = [
    [
        "OAuth Access Tokens",
        "Jetons d'accès OAuth",
        "OAuth-Zugriffstoken",
        "OAuth アクセス トークン",
    ],
    ["Consumer", "Consommateur", "Verbraucher", "コンシューマー"],
    [
        "Consumer Description",
        "Description du consommateur",
        "Beschreibung des Verbrauchers",
        "コンシューマーの説明",
    ],
    ["Issued On", "Émis le", "Ausgestellt am", "発行日"],
    ["Expires On", "Expire le", "Läuft ab am", "有効期限"],
    ["Actions", "Actions", "Aktionen", "アクション"],
    ["Name", "Nom", "Name", "名前"],
    ["Host", "Hôte", "Host", "ホスト"],
    ["Date", "Date", "Datum", "日付"],
    ["Access", "Accès", "Zugriff", "アクセス"],
    [
        "Application",
        "Application",
        "Anwendung",
        "アプリケーション",
    ],
    ["Issued", "Émis", "Ausgestellt", "発行"],
    ["Permissions", "Autorisations", "Berechtigungen", "権限"],
    [
        "None specified",
        "Aucun spécifié",
        "Keine angegeben",
        "指定なし",
    ],
    ["Revoke", "Révoquer", "Widerrufen", "取り消し"],
    [
        "Revoke access",
        "Révoquer l'accès",
        "Zugriff widerrufen",
        "アクセスを取り消す",
    ],
    [
        "Revoke OAuth Access Token",
        "Révoquer le jeton d'accès OAuth",
        "OAuth-Zugriffstoken widerrufen",
        "OAuth アクセス トークンを取り消す",
    ],
    [
        "Read, write",
        "Lecture, écriture",
        "Lesen, Schreiben",
        "読み取り、書き込み",
    ],
];

const FRENCH_MONTHS: [&str; 12] = [
    "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
    "déc.",
];

impl Language {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::English, Self::French, Self::German, Self::Japanese];

    /// The value of `lang`.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
            Self::Japanese => "ja",
        }
    }

    /// Says what is given in English; where there is no translation, in English.
    pub(super) fn say(self, english: &'static str) -> &'static str {
        let words = WORDS.iter().find(|words| words[0] == english);
        words.map_or(english, |words| words[self as usize])
    }

    /// A moment as the user's locale writes it, in English as the layout does; empty where no calendar reaches.
    pub(super) fn date(self, seconds: i64, english: &str) -> String {
        let Ok(moment) = Timestamp::from_second(seconds) else {
            return String::new();
        };
        let format = match self {
            Self::English => english,
            Self::French => "%-d %m %Y %H:%M",
            Self::German => "%d.%m.%Y %H:%M",
            Self::Japanese => "%Y/%m/%d %-H:%M",
        };
        let written = moment.strftime(format).to_string();
        match (self, written.split(' ').collect::<Vec<_>>().as_slice()) {
            (Self::French, [day, month, year, time]) => {
                let month = month
                    .parse()
                    .ok()
                    .and_then(|number: usize| FRENCH_MONTHS.get(number.checked_sub(1)?));
                format!("{day} {} {year} {time}", month.copied().unwrap_or_default())
            }
            _ => written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_its_language_does() {
        let english = "%b %-d, %Y %-I:%M %p";
        let written = Language::ALL.map(|language| language.date(1_762_185_900, english));
        assert_eq!(
            written,
            [
                "Nov 3, 2025 4:05 PM",
                "3 nov. 2025 16:05",
                "03.11.2025 16:05",
                "2025/11/03 16:05"
            ]
        );
        assert_eq!(Language::French.date(i64::MAX / 2, english), "");
    }

    #[test]
    fn what_has_no_translation_stays_english() {
        assert_eq!(Language::German.say("Revoke"), "Widerrufen");
        assert_eq!(Language::German.say("Search"), "Search");
    }
}
