//! The words of the page in the languages of the products, as far as they are known: all of them in one place.

/// What the column of the consumer is called; the first word that is found counts.
pub(super) const CONSUMER: &[&str] = &[
    "consumer",
    "application",
    "name",
    "verbraucher",
    "konsument",
    "anwendung",
    "consommateur",
    "nom",
    "consumidor",
    "aplicación",
    "nombre",
    "consumatore",
    "applicazione",
    "nome",
    "aplicativo",
    "aplicação",
    "コンシューマー",
    "アプリケーション",
    "名前",
    "使用者",
    "消费者",
    "应用程序",
    "名称",
];

/// What the column of the issue is called.
pub(super) const CREATED: &[&str] = &[
    "issued",
    "created",
    "date",
    "ausgestellt",
    "ausgegeben",
    "erstellt",
    "datum",
    "émis",
    "délivré",
    "créé",
    "emitido",
    "creado",
    "fecha",
    "emesso",
    "rilasciato",
    "creato",
    "data",
    "criado",
    "発行",
    "作成日",
    "日付",
    "颁发",
    "发布日期",
    "创建",
    "日期",
];

/// What the column of the end is called.
pub(super) const EXPIRES: &[&str] = &[
    "expires",
    "expiry",
    "expiration",
    "ablauf",
    "ablaufdatum",
    "gültig",
    "läuft",
    "expire",
    "caduca",
    "vence",
    "expira",
    "vencimiento",
    "scade",
    "scadenza",
    "有効期限",
    "过期",
    "到期",
];

/// What the column of the scopes is called.
pub(super) const SCOPES: &[&str] = &[
    "scopes",
    "scope",
    "permissions",
    "permission",
    "access",
    "berechtigungen",
    "zugriff",
    "autorisations",
    "permisos",
    "permessi",
    "permissões",
    "権限",
    "权限",
];

/// The documented headings, in their order (protocol.md 3.1).
pub(super) const HEADINGS: [&str; 5] = [
    "consumer",
    "consumer description",
    "issued on",
    "expires on",
    "actions",
];

/// What stands in place of rows (protocol.md 3.1). What it is in other languages is not known.
pub(super) const NONE: &str = "none specified";

/// The names of the months, whole and short, in English, German, French, Spanish, Italian and Portuguese, without the
/// dots that short ones may end in. No name is that of two months.
pub(super) const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jänner", "jän", "janvier", "janv", "enero", "ene", "gennaio",
        "gen", "janeiro",
    ],
    &[
        "february",
        "feb",
        "februar",
        "février",
        "févr",
        "fév",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
    ],
    &[
        "march", "mar", "märz", "mär", "mrz", "mars", "marzo", "março",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr", "aprile"],
    &["may", "mai", "mayo", "maggio", "mag", "maio"],
    &[
        "june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho",
    ],
    &[
        "july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho",
    ],
    &["august", "aug", "août", "agosto", "ago"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "settembre",
        "set",
        "setembro",
    ],
    &[
        "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro",
        "out",
    ],
    &["november", "nov", "novembre", "noviembre", "novembro"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
    ],
];

/// Words before noon and after it.
pub(super) const BEFORE_NOON: [&str; 3] = ["am", "午前", "上午"];
pub(super) const AFTER_NOON: [&str; 3] = ["pm", "午後", "下午"];

/// Words that stand between the parts of a date and mean nothing.
pub(super) const FILLERS: [&str; 19] = [
    "de", "del", "à", "a", "às", "at", "um", "uhr", "le", "alle", "ore", "las", "on", "er", "st",
    "nd", "rd", "th", "o",
];

/// The month of a name, 1 to 12.
pub(super) fn month(name: &str) -> Option<i8> {
    let found = MONTHS.iter().position(|names| names.contains(&name))?;
    i8::try_from(found + 1).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_is_that_of_two_months() {
        let names: Vec<&str> = MONTHS.concat();
        let distinct: HashSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len());
        assert_eq!(month("fev"), Some(2));
        assert_eq!(month("dez"), Some(12));
        assert_eq!(month("ma"), None);
    }
}
