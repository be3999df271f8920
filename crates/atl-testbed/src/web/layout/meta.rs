//! Inputs, with the XSRF token beside the form until a script puts it in.

use super::{Ask, inputs};
use crate::web::{page::text, xsrf::PARAMETER};

pub(super) fn ask(ask: &Ask<'_>) -> String {
    let (beside, inside): (Vec<_>, Vec<_>) = ask
        .hidden
        .iter()
        .copied()
        .partition(|(name, _)| *name == PARAMETER);
    let beside: Vec<String> = beside
        .iter()
        .map(|(_, token)| {
            format!(
                "<meta name=\"atlassian-token\" content=\"{}\">\n",
                text(token)
            )
        })
        .collect();
    let form = inputs::ask(&Ask {
        hidden: &inside,
        ..*ask
    });
    format!("{}{form}\n{}", beside.concat(), script())
}

fn script() -> String {
    format!(
        "<script>\n\
         const field = document.createElement('input');\n\
         field.type = 'hidden';\n\
         field.name = '{PARAMETER}';\n\
         field.value = document.querySelector('meta[name=atlassian-token]').content;\n\
         document.getElementById('authorize-form').append(field);\n\
         </script>"
    )
}
