//! `schema`

use crate::{
    context::Context,
    error::{Error, Result},
    exit::Exit,
    flags::Format,
};

pub(crate) fn run(context: &Context) -> Result<Exit> {
    context.output.fixed(&[Format::Table, Format::Json])?;
    let text = serde_json::to_string_pretty(&atl_fleet::schema()).map_err(|error| {
        Error::failed("the schema could not be written").caused_by(Some(&error))
    })?;
    context.output.text(&(text + "\n"))?;
    Ok(Exit::Done)
}
